import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Put,
  Query,
  UseInterceptors,
} from '@nestjs/common';
import type { InferOutput } from 'valibot';
import { AnswerHeadersInterceptor } from './answer-headers.interceptor.js';
import { traced } from './request-trace.js';
import type { User, UserInput, UserPage, UserQuery, UserSummary } from './user.js';
import { changedUser, newUser, userId, userQuery } from './users.input.js';
import { UsersService } from './users.service.js';

@Controller('users')
@UseInterceptors(AnswerHeadersInterceptor)
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  findPage(@Query({ schema: userQuery }) query: UserQuery): Promise<UserPage> {
    return traced(() => this.users.findPage(query));
  }

  @Get(':id')
  async findOne(@Param('id', { schema: userId }) id: number): Promise<User> {
    return found(id, await traced(() => this.users.findOne(id)));
  }

  @Get(':id/summary')
  async summary(@Param('id', { schema: userId }) id: number): Promise<UserSummary> {
    return found(id, await traced(() => this.users.summary(id)));
  }

  @Post()
  create(@Body({ schema: newUser }) input: UserInput): Promise<User> {
    return this.users.create(input);
  }

  @Put(':id')
  update(
    @Param('id', { schema: userId }) id: number,
    @Body({ schema: changedUser }) { version, ...input }: InferOutput<typeof changedUser>,
  ): Promise<User> {
    return this.users.update(id, input, version ?? null);
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@Param('id', { schema: userId }) id: number): Promise<void> {
    return this.users.remove(id);
  }
}

function found<T>(id: number, value: T | null): T {
  if (value === null) throw new NotFoundException(`there is no user ${id}`);
  return value;
}
