import { Body, Controller, Get, HttpCode, Param, Put, UseInterceptors } from '@nestjs/common';
import { HttpCache, RedisCacheInterceptor } from 'nestjs-redis-cache/http';
import type { InferOutput } from 'valibot';
import { AnswerHeadersInterceptor } from './answer-headers.interceptor.js';
import { type Organisation, OrganisationsService } from './organisations.service.js';
import { organisationId, organisationName } from './users.input.js';
import { orgTag, PAGES_TAG } from './users.service.js';

@Controller('organisations')
// the cache's own comes first, so that what it keeps is what goes over the wire
@UseInterceptors(RedisCacheInterceptor, AnswerHeadersInterceptor)
export class OrganisationsController {
  constructor(private readonly organisations: OrganisationsService) {}

  /**
   * The whole response is cached, for everybody. It ends when the organisation is renamed, or a user comes, changes or
   * goes.
   */
  @Get(':id')
  @HttpCache({
    scope: 'public',
    ttl: '10m',
    clientTtl: '5s',
    tags: ({ id }: Organisation) => [orgTag(id), PAGES_TAG],
  })
  findOne(@Param('id', { schema: organisationId }) id: number): Promise<Organisation> {
    return this.organisations.findOne(id);
  }

  @Put(':id')
  @HttpCode(204)
  rename(
    @Param('id', { schema: organisationId }) id: number,
    @Body({ schema: organisationName }) { name }: InferOutput<typeof organisationName>,
  ): Promise<void> {
    return this.organisations.rename(id, name);
  }
}
