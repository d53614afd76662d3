import { PGlite } from '@electric-sql/pglite';
import { BIGINT_OID, type Database, type Queries } from './database.js';
import { pgliteData } from './pglite-data.js';

/** PostgreSQL compiled to WebAssembly: nothing to install; its data lives in memory and ends with the process. */
export class PgliteDatabase implements Database {
  readonly description = 'PGlite, in this process';

  private constructor(private readonly engine: PGlite) {}

  /** An empty database. */
  static async open(): Promise<PgliteDatabase> {
    const parsers = { [BIGINT_OID]: Number };
    return new PgliteDatabase(await PGlite.create({ parsers, loadDataDir: await pgliteData() }));
  }

  async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return (await this.engine.query<Row>(sql, [...parameters])).rows;
  }

  transaction<T>(run: (tx: Queries) => Promise<T>): Promise<T> {
    return this.engine.transaction((tx) =>
      run({
        query: async <Row>(sql: string, parameters: readonly unknown[] = []) =>
          (await tx.query<Row>(sql, [...parameters])).rows,
      }),
    );
  }

  async execute(script: string): Promise<void> {
    await this.engine.exec(script);
  }

  async close(): Promise<void> {
    if (!this.engine.closed) await this.engine.close();
  }
}
