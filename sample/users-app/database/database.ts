/** Injection token of the application's {@link Database}. */
export const DATABASE = Symbol('Database');

/** What runs statements: the database, or one transaction of it. */
export interface Queries {
  /** One statement. `$1` stands for `parameters[0]`. */
  query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

/**
 * PostgreSQL, wherever it runs. Two drivers: in this process (PGlite), and a server (pg).
 *
 * Both give `bigint` columns as numbers, `timestamptz` as Date, and `code` (the SQLSTATE) on errors of the server.
 */
export interface Database extends Queries {
  /** For people: which PostgreSQL this is. */
  readonly description: string;
  /** Resolves when it has committed; rejects with the error of `run`, rolled back. */
  transaction<T>(run: (tx: Queries) => Promise<T>): Promise<T>;
  /** Several statements in one transaction, without parameters. */
  execute(script: string): Promise<void>;
  close(): Promise<void>;
}

/** OID of the type bigint. */
export const BIGINT_OID = 20;

/** SQLSTATE of an error of either driver, or undefined. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
