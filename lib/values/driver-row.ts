/**
 * Classes that drivers of databases give to rows, which hold the columns and nothing else: mysql2 (`TextRow`,
 * `BinaryRow`, `ResultSetHeader`) and mysql (`RowDataPacket`, `OkPacket`). Those of pg, better-sqlite3, mariadb and
 * node:sqlite are plain objects by themselves.
 */
const ROWS: readonly string[] = ['TextRow', 'BinaryRow', 'RowDataPacket', 'OkPacket', 'ResultSetHeader'];

/** What these classes have besides the columns: how they read themselves. */
const OWN_METHODS: readonly string[] = ['constructor', 'parse', '_typeCast', 'write', 'next'];

/**
 * True for a row of a known driver: by name, and without anything that a row has not. A class of the application has
 * often nothing but fields as well, so that its fields may not be decorated either.
 */
export function isDriverRow(row: object): boolean {
  const prototype = Object.getPrototypeOf(row) as { constructor?: { name?: unknown } };
  return (
    ROWS.includes(prototype.constructor?.name as string) &&
    Object.getPrototypeOf(prototype) === Object.prototype &&
    Reflect.ownKeys(prototype).every((name) => OWN_METHODS.includes(name as string)) &&
    !Object.keys(row).some((field) => isDecorated(prototype, field))
  );
}

/** The list of rows of postgres.js, which has the command and its columns beside the rows. */
export function isDriverList(list: readonly unknown[]): boolean {
  return (
    list.constructor.name === 'Result' &&
    Object.getPrototypeOf(Object.getPrototypeOf(list)) === Array.prototype &&
    Object.hasOwn(list, 'command') &&
    Object.hasOwn(list, 'columns')
  );
}

/** By what TypeScript, or a decorator, left there with reflect-metadata. */
function isDecorated(prototype: object, field: string): boolean {
  const { getMetadataKeys } = Reflect as { getMetadataKeys?: (target: object, field: string) => unknown[] };
  return (getMetadataKeys?.(prototype, field).length ?? 0) > 0;
}
