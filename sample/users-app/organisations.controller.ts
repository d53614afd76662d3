import { Body, Controller, HttpCode, Param, Put, UseInterceptors } from '@nestjs/common';
import type { InferOutput } from 'valibot';
import { AnswerHeadersInterceptor } from './answer-headers.interceptor.js';
import { OrganisationsService } from './organisations.service.js';
import { organisationId, organisationName } from './users.input.js';

@Controller('organisations')
@UseInterceptors(AnswerHeadersInterceptor)
export class OrganisationsController {
  constructor(private readonly organisations: OrganisationsService) {}

  @Put(':id')
  @HttpCode(204)
  rename(
    @Param('id', { schema: organisationId }) id: number,
    @Body({ schema: organisationName }) { name }: InferOutput<typeof organisationName>,
  ): Promise<void> {
    return this.organisations.rename(id, name);
  }
}
