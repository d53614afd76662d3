import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { CacheEvict } from 'nestjs-redis-cache';
import { DATABASE, type Database } from './database/database.js';
import { Outbox } from './outbox/outbox.js';
import { orgTag, PAGES_TAG } from './users.service.js';

/** An organisation as the API shows it. */
export interface Organisation {
  id: number;
  name: string;
  userCount: number;
}

@Injectable()
export class OrganisationsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /** @throws NotFoundException */
  async findOne(id: number): Promise<Organisation> {
    const [organisation] = await this.database.query<Organisation>(
      `select o.id, o.name, (select count(*)::integer from users_app.users where org_id = o.id) as "userCount"
       from users_app.organisations o where o.id = $1`,
      [id],
    );
    if (!organisation) throw new NotFoundException(`there is no organisation ${id}`);
    return organisation;
  }

  /**
   * One tag stands for every cached user of the organisation, however many there are: the eviction takes the same time
   * for all.
   *
   * @throws NotFoundException
   */
  @CacheEvict({ tags: (_: void, id: number) => [orgTag(id), PAGES_TAG] })
  async rename(id: number, name: string): Promise<void> {
    await this.outbox.transaction(async (tx, publish) => {
      const sql = 'update users_app.organisations set name = $2 where id = $1 returning id';
      if ((await tx.query(sql, [id, name])).length === 0) throw new NotFoundException(`there is no organisation ${id}`);
      await publish({ type: 'OrganisationRenamed', orgId: id });
    });
  }
}
