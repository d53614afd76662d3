import { CacheError, describeValue } from '../shared/errors.js';
import { dropPromise } from '../shared/option-function.js';

/** One part of an identifier. @publicApi */
export type KeySegment = string | number | bigint | boolean;

/** What a key function returns: one segment, or several, which differ from their joined form. @publicApi */
export type KeyValue = KeySegment | readonly KeySegment[];

/** Everything that has a meaning in a key, in a channel message or in a hash tag, and control characters. */
// oxlint-disable-next-line eslint-js/no-control-regex -- control characters are what it is for
const SPECIAL = /[%:{}~|,\s\u0000-\u001f\u007f]/;
// oxlint-disable-next-line eslint-js/no-control-regex -- as above
const SPECIALS = /[%:{}~|,\s\u0000-\u001f\u007f]/g;
const LONE_SURROGATES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * A text in which no separator is left: different texts stay different.
 *
 * A lone surrogate has no UTF-8 form (all of them would become the same three bytes), so it is spelled out as well.
 */
export function escapeSegment(text: string): string {
  if (!text.isWellFormed()) text = text.replace(SPECIALS, hex).replace(LONE_SURROGATES, hex);
  else if (SPECIAL.test(text)) text = text.replace(SPECIALS, hex);
  return text;
}

function hex(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x80 ? `%${code.toString(16).padStart(2, '0')}` : `%u${code.toString(16).padStart(4, '0')}`;
}

/**
 * The identifier part of a key: escaped segments joined by `:`.
 *
 * @param where the method or call that made the key, for the message
 * @throws CacheError RC_INVALID_KEY for undefined, null, NaN, infinite numbers, objects, promises, functions and empty
 * arrays
 */
export function identifierOf(value: unknown, where: string): string {
  switch (typeof value) {
    case 'string':
      return escapeSegment(value);
    case 'number':
      if (Number.isFinite(value)) return String(value);
      break;
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      if (Array.isArray(value) && value.length > 0) return joinSegments(value, where);
  }
  throw invalidKey(value, where);
}

function joinSegments(segments: readonly unknown[], where: string): string {
  let identifier = segmentOf(segments, 0, where);
  for (let index = 1; index < segments.length; index++) identifier += `:${segmentOf(segments, index, where)}`;
  return identifier;
}

function segmentOf(segments: readonly unknown[], index: number, where: string): string {
  const segment = segments[index];
  if (typeof segment !== 'object') return identifierOf(segment, where);
  for (const other of segments) dropPromise(other);
  throw invalidKey(segment, where);
}

function invalidKey(value: unknown, where: string): CacheError {
  const [got, cure] = dropPromise(value)
    ? ['a promise', 'A key is made synchronously: use a function that is not async.']
    : [describeValue(value), 'Return what identifies the value, such as its id.'];
  return new CacheError(
    'RC_INVALID_KEY',
    `The key of ${where} must be a string, a finite number, a bigint, a boolean, or a non-empty array of these; got ${got}. ${cure}`,
  );
}
