import { Logger } from '@nestjs/common';
import pg from 'pg';
import { BIGINT_OID, type Database } from './database.js';

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

  async execute(script: string): Promise<void> {
    await this.pool.query(script);
  }

  async close(): Promise<void> {
    if (!this.pool.ended) await this.pool.end();
  }
}
