import { CacheError, describeValue } from '../shared/errors.js';

/** No separator of keys, channel messages or hash tags among them. */
const NAME = /^[\w.-]{1,100}$/;

/**
 * A name that stands in keys as it is: of a service, a region, an attribute or a cache.
 *
 * @param option where it was written, for the message
 * @throws CacheError RC_INVALID_OPTION
 */
export function checkName(option: string, name: unknown): string {
  if (isName(name)) return name;
  throw new CacheError(
    'RC_INVALID_OPTION',
    `${option} must be 1 to 100 letters, digits, "-", "_" or ".", got ${describeValue(name)}. Other characters are separators in keys, or could be confused with them.`,
  );
}

export function isName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}
