import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PGlite } from '@electric-sql/pglite';
import { Test, type TestingModule } from '@nestjs/testing';
import { eq } from 'drizzle-orm';
import { drizzle as drizzleOnPg } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { drizzle as drizzleOnPglite } from 'drizzle-orm/pglite';
import pg from 'pg';
import { DataSource, EntitySchema } from 'typeorm';
import { type CacheChanges, RedisCache, RedisCacheModule } from 'nestjs-redis-cache';
import { pgliteData } from '../../sample/users-app/database/pglite-data.js';
import { postgresPrograms, type PostgresServer, startPostgres } from '../e2e/servers.js';
import { waitUntil } from '../support/servers/processes.js';

const databaseUrl = process.env['DATABASE_URL'];
const hasServer = databaseUrl !== undefined || postgresPrograms !== undefined;
const describeOnServer = hasServer ? describe : describe.skip;
const unlessServer = hasServer ? '' : ' (not here: no PostgreSQL server)';

const TABLE = 'cache_accounts';
const accounts = pgTable(TABLE, { id: integer().primaryKey(), owner: text().notNull() });
const Account = new EntitySchema<{ id: number; owner: string }>({
  name: 'Account',
  tableName: TABLE,
  columns: { id: { type: Number, primary: true }, owner: { type: String } },
});

/** A database by one client library. */
interface Client {
  /** One statement, outside any transaction. */
  read(id: number): Promise<string | undefined>;
  insert(id: number, owner: string): Promise<unknown>;
  /** In a transaction; rejects when it was rolled back. */
  update(id: number, owner: string, inTransaction: () => unknown): Promise<unknown>;
  close(): Promise<unknown>;
}

const ids = (() => {
  let last = Math.floor(Math.random() * 1_000_000_000);
  return () => ++last;
})();

/** What each of them has to do; `open` is called once. */
function describeClient(open: () => Promise<Client>): void {
  let client: Client;
  let module: TestingModule;
  let cache: RedisCache;
  beforeAll(async () => {
    client = await open();
    module = await Test.createTestingModule({ imports: [RedisCacheModule.forRoot({ service: 'bank' })] }).compile();
    await module.init();
    cache = module.get(RedisCache);
  });
  afterAll(async () => {
    await client?.close();
    await module?.close();
  });

  const find = (id: number) => cache.region<string | null>('owner').getOrLoad(id, async () => (await client.read(id))!);
  const update = (id: number, owner: string, then: (changes: CacheChanges) => unknown = () => {}) =>
    cache.afterCommit((changes) =>
      client.update(id, owner, () => {
        changes.region('owner').evict(id);
        return then(changes);
      }),
    );
  const inserted = async (owner: string) => {
    const id = ids();
    await client.insert(id, owner);
    expect(await find(id)).toBe(owner);
    return id;
  };

  it('evicts after the commit: nobody caches the old row again in between', async () => {
    const id = await inserted('Ada');
    await update(id, 'Grace', async () => {
      // an eviction inside the transaction would let this load put the old row back
      expect(await cache.region('owner').get(id)).toBe('Ada');
    });
    expect(await find(id)).toBe('Grace');
  });

  it('keeps what is cached after a rollback', async () => {
    const id = await inserted('Ada');
    const failing = update(id, 'Grace', () => {
      throw new Error('not today');
    });
    await expect(failing).rejects.toThrow('not today');
    expect(await cache.region('owner').get(id)).toBe('Ada');
    expect(await client.read(id)).toBe('Ada');
  });
}

async function openPglite(): Promise<PGlite> {
  const db = await PGlite.create({ loadDataDir: await pgliteData() });
  await db.exec(`create table ${TABLE} (id integer primary key, owner text not null)`);
  return db;
}

describe('afterCommit on PGlite', () => {
  describeClient(async () => {
    const db = await openPglite();
    return {
      read: async (id) =>
        (await db.query<{ owner: string }>(`select owner from ${TABLE} where id = $1`, [id])).rows[0]?.owner,
      insert: (id, owner) => db.query(`insert into ${TABLE} values ($1, $2)`, [id, owner]),
      update: (id, owner, inTransaction) =>
        db.transaction(async (tx) => {
          await tx.query(`update ${TABLE} set owner = $2 where id = $1`, [id, owner]);
          await inTransaction();
        }),
      close: () => db.close(),
    };
  });
});

describe('afterCommit with Drizzle on PGlite', () => {
  describeClient(async () => {
    const engine = await openPglite();
    return { ...ofDrizzle(drizzleOnPglite({ client: engine })), close: () => engine.close() };
  });
});

describeOnServer(`on a PostgreSQL server${unlessServer}`, () => {
  let server: PostgresServer | undefined;
  let url: string;
  beforeAll(async () => {
    if (!databaseUrl) server = await startPostgres();
    url = databaseUrl ?? server!.url;
    await onServer(`create table if not exists ${TABLE} (id integer primary key, owner text not null)`);
  }, 60_000);
  afterAll(async () => {
    await onServer(`drop table if exists ${TABLE}`);
    server?.remove();
  });

  async function onServer(sql: string, parameters?: unknown[]): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql, parameters);
    await client.end();
    return rows;
  }

  async function killInCommit(pid: number): Promise<void> {
    await waitUntil(async () => {
      const [row] = await onServer(`select query ilike 'commit' as yes from pg_stat_activity where pid = $1`, [pid]);
      return row!['yes'];
    });
    await onServer('select pg_terminate_backend($1)', [pid]);
  }

  function openPool(): pg.Pool {
    const pool = new pg.Pool({ connectionString: url });
    pool.on('error', () => {});
    return pool;
  }

  describe('afterCommit with pg', () => {
    describeClient(async () => {
      const pool = openPool();
      return {
        read: async (id) =>
          (await pool.query<{ owner: string }>(`select owner from ${TABLE} where id = $1`, [id])).rows[0]?.owner,
        insert: (id, owner) => pool.query(`insert into ${TABLE} values ($1, $2)`, [id, owner]),
        update: (id, owner, inTransaction) =>
          transaction(pool, async (client) => {
            await client.query(`update ${TABLE} set owner = $2 where id = $1`, [id, owner]);
            await inTransaction();
          }),
        close: () => pool.end(),
      };
    });
  });

  describe('afterCommit with Drizzle', () => {
    describeClient(async () => {
      const pool = openPool();
      return { ...ofDrizzle(drizzleOnPg({ client: pool })), close: () => pool.end() };
    });
  });

  describe('afterCommit with TypeORM', () => {
    describeClient(async () => {
      const source = await new DataSource({ type: 'postgres', url, entities: [Account] }).initialize();
      const rows = source.getRepository(Account);
      return {
        read: async (id) => (await rows.findOneBy({ id }))?.owner,
        insert: (id, owner) => rows.insert({ id, owner }),
        update: (id, owner, inTransaction) =>
          source.transaction(async (manager) => {
            await manager.update(Account, { id }, { owner });
            await inTransaction();
          }),
        close: () => source.destroy(),
      };
    });
  });

  it('evicts when the connection breaks at the commit, since it may have taken effect', async () => {
    const pool = openPool();
    const module = await Test.createTestingModule({
      imports: [RedisCacheModule.forRoot({ service: 'bank' })],
    }).compile();
    await module.init();
    const cache = module.get(RedisCache);
    const owners = cache.region<string>('owner');
    await owners.getOrLoad(1, async () => 'Ada');
    // its commit takes a second
    await onServer(`
      create or replace function cache_slow() returns trigger language plpgsql as
        $$ begin perform pg_sleep(1); return null; end $$;
      create constraint trigger cache_slow after insert on ${TABLE} deferrable initially deferred
        for each row execute function cache_slow()`);
    const failing = cache.afterCommit((changes) =>
      transaction(pool, async (client) => {
        changes.region('owner').evict(1);
        await client.query(`insert into ${TABLE} values ($1, 'Grace')`, [ids()]);
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
        void killInCommit(rows[0]!.pid);
      }),
    );
    await expect(failing).rejects.toThrow(/terminat/);
    await onServer(`drop trigger cache_slow on ${TABLE}; drop function cache_slow`);
    expect(await owners.get(1)).toBeUndefined();
    await module.close();
    await pool.end();
  });
});

function ofDrizzle(db: ReturnType<typeof drizzleOnPg> | ReturnType<typeof drizzleOnPglite>): Omit<Client, 'close'> {
  // both have the same methods; their union has no signature
  const base = db as ReturnType<typeof drizzleOnPg>;
  return {
    read: async (id) => (await base.select().from(accounts).where(eq(accounts.id, id)))[0]?.owner,
    insert: (id, owner) => base.insert(accounts).values({ id, owner }),
    update: (id, owner, inTransaction) =>
      base.transaction(async (tx) => {
        await tx.update(accounts).set({ owner }).where(eq(accounts.id, id));
        await inTransaction();
      }),
  };
}

/** As docs/transactions.md shows it. */
async function transaction<T>(pool: pg.Pool, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // a connection that breaks between two statements says so here
  client.on('error', () => {});
  let isBroken = false;
  try {
    await client.query('begin');
    const result = await run(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => (isBroken = true));
    throw error;
  } finally {
    client.release(isBroken);
  }
}
