/** Injection token of the application's {@link Database}. */
export const DATABASE = Symbol('Database');

/**
 * PostgreSQL, wherever it runs. Two drivers: in this process (PGlite), and a server (pg).
 *
 * Both give `bigint` columns as numbers, `timestamptz` as Date, and `code` (the SQLSTATE) on errors of the server.
 */
export interface Database {
  /** For people: which PostgreSQL this is. */
  readonly description: string;
  /** One statement. `$1` stands for `parameters[0]`. */
  query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
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
