import { currentTrace } from '../request-trace.js';
import type { Database, Queries } from './database.js';

/**
 * Notes each query in the trace of the request that caused it. A request that only joined another's load caused none.
 */
export class TracedDatabase implements Database {
  constructor(private readonly database: Database) {}

  get description(): string {
    return this.database.description;
  }

  query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]> {
    return traced(() => this.database.query<Row>(sql, parameters));
  }

  /** With the time of its commit, and of what it waits for. */
  transaction<T>(run: (tx: Queries) => Promise<T>): Promise<T> {
    return traced(() => this.database.transaction(run));
  }

  execute(script: string): Promise<void> {
    return traced(() => this.database.execute(script));
  }

  close(): Promise<void> {
    return this.database.close();
  }
}

async function traced<T>(query: () => Promise<T>): Promise<T> {
  const trace = currentTrace();
  const startedAt = performance.now();
  try {
    return await query();
  } finally {
    if (trace) {
      trace.queryCount += 1;
      trace.queryMs += performance.now() - startedAt;
    }
  }
}
