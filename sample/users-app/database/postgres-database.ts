import { Logger } from '@nestjs/common';
import pg from 'pg';
import { BIGINT_OID, type Database, type Queries } from './database.js';

/** A PostgreSQL server, through a pool of connections. */
export class PostgresDatabase implements Database {
  readonly description = 'PostgreSQL at DATABASE_URL';
  private readonly logger = new Logger(PostgresDatabase.name);
  private readonly pool: pg.Pool;

  constructor(url: string) {
    this.pool = new pg.Pool({
      connectionString: url,
      connectionTimeoutMillis: 5_000,
      types: {
        getTypeParser: ((oid: number, format?: 'text') =>
          oid === BIGINT_OID ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
      },
    });
    // an idle connection that breaks is replaced by the pool; without a listener its error would end the process
    this.pool.on('error', (error) => this.logger.warn(`An idle connection broke: ${error.message}`));
  }

  async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return (await this.pool.query(sql, [...parameters])).rows as Row[];
  }

  async transaction<T>(run: (tx: Queries) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let isBroken = false;
    // of a connection that breaks between two statements; the next statement says it again
    const onError = () => (isBroken = true);
    client.on('error', onError);
    try {
      await client.query('begin');
      const result = await run({
        query: async <Row>(sql: string, parameters: readonly unknown[] = []) =>
          (await client.query(sql, [...parameters])).rows as Row[],
      });
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(onError);
      throw error;
    } finally {
      client.off('error', onError);
      client.release(isBroken);
    }
  }

  async execute(script: string): Promise<void> {
    await this.pool.query(script);
  }

  async close(): Promise<void> {
    if (!this.pool.ended) await this.pool.end();
  }
}
