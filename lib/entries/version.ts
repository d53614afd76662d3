import { CacheError, describeValue } from '../shared/errors.js';

/**
 * A version of a value: grows with every write of its row. A counter or sequence of the database is best; a `Date`
 * or ISO-8601 text counts as its milliseconds, so two writes in one millisecond are one version.
 *
 * @publicApi
 */
export type Version = number | bigint | string | Date;

const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/**
 * The version as the store compares it: decimal digits without leading zeros; the longer text is the greater, equal
 * lengths compare digit by digit.
 *
 * @throws CacheError RC_INVALID_VERSION for negative, fractional, unsafe or other values
 */
export function canonicalVersion(version: unknown, where: string): string {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0) return String(version);
  if (typeof version === 'bigint' && version >= 0n) return String(version);
  if (version instanceof Date && version.getTime() >= 0) return String(version.getTime());
  if (typeof version === 'string') {
    if (/^\d{1,40}$/.test(version)) return version.replace(/^0+(?=\d)/, '');
    if (ISO_DATE.test(version) && Date.parse(version) >= 0) return String(Date.parse(version));
  }
  throw new CacheError(
    'RC_INVALID_VERSION',
    `The version of ${where} must be a whole number >= 0, a bigint, a Date, or text of digits or an ISO-8601 time; got ${describeValue(version)}. Return the row's version column.`,
  );
}

/**
 * Negative, 0 or positive as `a` is older than, the same as, or newer than `b`. Both canonical; '' is older than all.
 */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
