import { BadRequestException, ConflictException, Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, sqlStateOf } from './database/database.js';
import type { DomainEvent } from './outbox/domain-event.js';
import { Outbox } from './outbox/outbox.js';
import type { User, UserInput, UserPage, UserQuery, UserSummary } from './user.js';

type UserEvent = Extract<DomainEvent, { userId: number }>;
type UserRow = Omit<User, 'organisation'> & { orgId: number; organisation: string };

const USER_COLUMNS = /* sql */ `
  u.id, u.name, u.email, u.role, u.active, o.id as "orgId", o.name as organisation,
  u.created_at as "createdAt", u.updated_at as "updatedAt", u.version`;

/**
 * Everything that is asked of the database. It knows nothing of the cache. What it changes it tells other services, in
 * the same transaction.
 */
@Injectable()
export class UsersRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  async find(id: number): Promise<User | null> {
    const rows = await this.database.query<UserRow>(
      `select ${USER_COLUMNS} from users_app.users u join users_app.organisations o on o.id = u.org_id where u.id = $1`,
      [id],
    );
    return rows[0] ? toUser(rows[0]) : null;
  }

  async findPage({ page, pageSize, orgId, search }: UserQuery): Promise<UserPage> {
    const rows = await this.database.query<UserRow & { total: number }>(
      `with matching as (
         select * from users_app.users
         where ($1::integer is null or org_id = $1)
           and ($2::text is null or strpos(lower(name || ' ' || email), lower($2)) > 0)
       ), total as (
         select count(*) as total from matching
       ), page as (
         select * from matching order by id limit $3 offset $4
       )
       select total.total, ${USER_COLUMNS}
       from total left join page u on true left join users_app.organisations o on o.id = u.org_id
       order by u.id`,
      [orgId ?? null, search ?? null, pageSize, (page - 1) * pageSize],
    );
    return { items: rows.filter((row) => row.id !== null).map(toUser), total: rows[0]!.total, page, pageSize };
  }

  /** Slow by nature: it ranks the user among all others, so it reads every order. */
  async summarize(id: number): Promise<UserSummary | null> {
    const [row] = await this.database.query<SummaryRow>(
      `with spending as (
         select u.id, u.org_id, coalesce(sum(r.amount_cents), 0) as cents, count(r.id) as orders, max(r.created_at) as last_order
         from users_app.users u left join users_app.orders r on r.user_id = u.id and r.status = 'paid'
         group by u.id
       ), ranked as (
         select *, rank() over (partition by org_id order by cents desc) as rank, percent_rank() over (order by cents) as share
         from spending
       )
       select u.id, u.name, o.id as "orgId", o.name as organisation, s.orders, s.cents, s.last_order as "lastOrderAt", s.rank, s.share,
         l.logins, l.failed, l.last_login as "lastLoginAt"
       from ranked s
       join users_app.users u on u.id = s.id
       join users_app.organisations o on o.id = s.org_id
       cross join lateral (
         select count(*) as logins, count(*) filter (where not succeeded) as failed, max(created_at) as last_login
         from users_app.logins where user_id = s.id
       ) l
       where s.id = $1`,
      [id],
    );
    if (!row) return null;
    return {
      id: row.id,
      name: row.name,
      organisation: { id: row.orgId, name: row.organisation },
      orders: { count: row.orders, totalCents: row.cents, lastAt: row.lastOrderAt },
      logins: { count: row.logins, failedCount: row.failed, lastAt: row.lastLoginAt },
      rankInOrganisation: row.rank,
      spendsMoreThan: row.share,
    };
  }

  /** @throws ConflictException, BadRequestException as {@link explain} says */
  async insert({ name, email, role, active, orgId }: UserInput): Promise<User> {
    const user = await this.write(
      'UserCreated',
      `with u as (
         insert into users_app.users (name, email, role, active, org_id) values ($1, $2, $3, $4, $5) returning *
       )
       select ${USER_COLUMNS} from u join users_app.organisations o on o.id = u.org_id`,
      [name, email, role, active, orgId],
    );
    return user!;
  }

  /**
   * @param version when given, a row of another version is left as it is
   * @returns null when there is no such row
   * @throws ConflictException, BadRequestException as {@link explain} says
   */
  update(id: number, { name, email, role, active, orgId }: UserInput, version: number | null): Promise<User | null> {
    return this.write(
      'UserUpdated',
      `with u as (
         update users_app.users
         set name = $2, email = $3, role = $4, active = $5, org_id = $6, updated_at = now(), version = version + 1
         where id = $1 and ($7::bigint is null or version = $7)
         returning *
       )
       select ${USER_COLUMNS} from u join users_app.organisations o on o.id = u.org_id`,
      [id, name, email, role, active, orgId, version],
    );
  }

  /** @returns false when there was no such user */
  delete(id: number): Promise<boolean> {
    return this.outbox.transaction(async (tx, publish) => {
      const [row] = await tx.query<{ version: number }>('delete from users_app.users where id = $1 returning version', [
        id,
      ]);
      // later than the last version there was
      if (row) await publish({ type: 'UserDeleted', userId: id, version: row.version + 1 });
      return row !== undefined;
    });
  }

  private async write(type: UserEvent['type'], sql: string, parameters: unknown[]): Promise<User | null> {
    try {
      return await this.outbox.transaction(async (tx, publish) => {
        const [row] = await tx.query<UserRow>(sql, parameters);
        if (!row) return null;
        await publish({ type, userId: row.id, version: row.version });
        return toUser(row);
      });
    } catch (error) {
      throw explain(error);
    }
  }
}

interface SummaryRow {
  id: number;
  name: string;
  orgId: number;
  organisation: string;
  orders: number;
  cents: number;
  lastOrderAt: Date | null;
  rank: number;
  share: number;
  logins: number;
  failed: number;
  lastLoginAt: Date | null;
}

function toUser({ id, name, email, role, active, orgId, organisation, createdAt, updatedAt, version }: UserRow): User {
  return {
    id,
    name,
    email,
    role,
    active,
    organisation: { id: orgId, name: organisation },
    createdAt,
    updatedAt,
    version,
  };
}

/**
 * What the database refused, in words for the client: 409 for an e-mail address that is taken, 400 for an unknown
 * organisation.
 */
function explain(error: unknown): unknown {
  const state = sqlStateOf(error);
  if (state === '23505') return new ConflictException('email is taken by another user');
  if (state === '23503') return new BadRequestException('orgId names no organisation');
  return error;
}
