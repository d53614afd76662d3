import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { User } from './user.js';
import { UsersRepository } from './users.repository.js';

/** What other services ask for, by Nest's TCP transport. */
@Controller()
export class UsersMessages {
  constructor(private readonly users: UsersRepository) {}

  /**
   * From the database: who asks caches the answer by itself, and was perhaps just told that the user has changed. An
   * answer from the cache may be a second older than that.
   */
  @MessagePattern<string>('users.find')
  find(@Payload() id: number): Promise<User | null> {
    return this.users.find(Number(id));
  }
}
