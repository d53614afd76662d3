/**
 * Every code this library throws or logs. Each has a section in docs/errors.md; a test keeps the two in step, both
 * ways.
 */
export const CACHE_ERROR_CODES = [
  'RC_INVALID_OPTION',
  'RC_INVALID_KEY',
  'RC_KEY_TEMPLATE',
  'RC_KEY_COLLISION',
  'RC_KEY_REQUIRED',
  'RC_CLASS_NAME',
  'RC_REGION_CONFLICT',
  'RC_DECORATOR_TARGET',
  'RC_MODULE_MISSING',
  'RC_DUPLICATE_CACHE',
  'RC_OPTION_FUNCTION',
  'RC_ENCODE_FAILED',
  'RC_CLASS_LOST',
  'RC_DECODE_FAILED',
  'RC_VALUE_TOO_LARGE',
  'RC_INVALID_VERSION',
  'RC_INVALID_TAG',
  'RC_INVALID_EVENT',
  'RC_PUT_UNSAFE',
  'RC_CHANGES_ENDED',
  'RC_FENCE_FAILED',
  'RC_LOADS_EXHAUSTED',
  'RC_LOAD_TIMEOUT',
  'RC_STORE_UNAVAILABLE',
  'RC_REDIS_UNSUPPORTED',
  'RC_REDIS_PERMISSION',
  'RC_EVICTION_PENDING',
  'RC_CLOSED',
] as const;

export type CacheErrorCode = (typeof CACHE_ERROR_CODES)[number];

/**
 * Base of every error this library makes. The message says what happened, where, what was got, and what to do.
 * It never contains a cached value. Errors of the application's own methods are never wrapped in it.
 *
 * @publicApi
 */
export class CacheError extends Error {
  constructor(
    readonly code: CacheErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(`${message} [${code}]`, options);
    this.name = 'CacheError';
  }
}

/** True for errors of this library, also when two copies of the package are loaded. @publicApi */
export function isCacheError(error: unknown): error is CacheError {
  return error instanceof Error && CACHE_ERROR_CODES.includes((error as Partial<CacheError>).code as CacheErrorCode);
}

/** What was thrown, for messages: the class of an error and its text. Total, since anything can be thrown. */
export function describeThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown) : describeValue(thrown);
  } catch {
    return 'something that cannot be read';
  }
}

/**
 * A short form of what was got, for messages: the type, and the content only of short scalars, without the login of a
 * URL.
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    // the last @: a password that was not percent-encoded may hold one, or a slash
    const safe = value.replace(/\/\/.*@/s, '//…@');
    return JSON.stringify(safe.length > 40 ? `${safe.slice(0, 40)}…` : safe);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object')
    return `an object (${Object.getPrototypeOf(value)?.constructor?.name ?? 'no prototype'})`;
  const name: unknown = typeof value === 'function' ? value.name : '';
  return `a ${typeof value}${typeof name === 'string' && name !== '' ? ` (${name.slice(0, 40)})` : ''}`;
}

/** The name of a value's class or type, and none of its content. Total. */
export function classOf(value: unknown): string {
  try {
    const name: unknown = typeof value === 'object' && value !== null ? value.constructor.name : '';
    return typeof name === 'string' && name !== '' ? name : typeof value;
  } catch {
    return 'object';
  }
}
