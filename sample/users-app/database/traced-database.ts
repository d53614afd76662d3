import { traceQuery } from '../request-trace.js';
import type { Database } from './database.js';

/** Notes each query in the trace of the request that caused it, so that the answer can say whether the database was asked. */
export class TracedDatabase implements Database {
  constructor(private readonly database: Database) {}

  get description(): string {
    return this.database.description;
  }

  query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]> {
    return traceQuery(() => this.database.query<Row>(sql, parameters));
  }

  execute(script: string): Promise<void> {
    return traceQuery(() => this.database.execute(script));
  }

  close(): Promise<void> {
    return this.database.close();
  }
}
