import * as v from 'valibot';
import type { Codec } from '../codecs/codec.js';
import { type Duration, toMilliseconds } from './duration.js';
import { isValueType, type ValueType } from './value-type.js';

/**
 * The shape of the options. A message is what the option must be (after "must be"), so that every error reads alike;
 * durations leave their message to toMilliseconds.
 */

/** Message of durations: the error is made by toMilliseconds. */
export const BAD_DURATION = 'a duration';

const isDuration = (value: unknown): boolean => {
  try {
    toMilliseconds('', value);
    return true;
  } catch {
    return false;
  }
};

const duration = v.custom<number | string>(isDuration, BAD_DURATION);
const positiveDuration = v.pipe(
  duration,
  v.check((value) => toMilliseconds('', value) > 0, 'longer than 0'),
);
/** What a timer of Node waits for: it counts 24.8 days, and fires at once when it is to wait longer. */
const atMost = (most: Duration) =>
  v.check<number | string, string>((value) => toMilliseconds('', value) <= toMilliseconds('', most), `${most} at most`);
const timer = atMost('24d');
const ttl = v.pipe(
  duration,
  v.check((value) => toMilliseconds('', value) > 0, 'longer than 0 (`unless` and `condition` leave a value uncached)'),
);
const share = v.pipe(
  v.number('a number from 0 to 1'),
  v.minValue(0, 'a number from 0 to 1'),
  v.maxValue(1, 'a number from 0 to 1'),
);
export const flag = v.boolean('true or false');

const count = (least: number, most = Number.MAX_SAFE_INTEGER) => {
  const message =
    most === Number.MAX_SAFE_INTEGER ? `a whole number >= ${least}` : `a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.safeInteger(message), v.minValue(least, message), v.maxValue(most, message));
};

const isCodec = (value: unknown): value is Codec => {
  const codec = value as Partial<Codec> | null;
  return (
    typeof codec === 'object' &&
    codec !== null &&
    typeof codec.id === 'string' &&
    /^[a-z0-9-]{1,20}$/.test(codec.id) &&
    typeof codec.binary === 'boolean' &&
    typeof codec.encode === 'function' &&
    typeof codec.decode === 'function'
  );
};

const codec = v.custom(
  (value) => value === 'json' || value === 'msgpack' || isCodec(value),
  `'json', 'msgpack', or a codec { id (lower-case letters, digits, "-"), binary, encode, decode }`,
);
export const valueType = v.custom<ValueType>(
  isValueType,
  `a class of yours, [User], { items: [User] }, instanceOf(User, { … }), a function of the plain value, or 'plain' (Date, Map, Set and bytes come back by themselves)`,
);
export const schema = v.custom(
  (value) => typeof (value as { '~standard'?: { validate?: unknown } } | null)?.['~standard']?.validate === 'function',
  'a Standard Schema, such as one of valibot, zod or arktype',
);

/** What a class (`@CacheConfig`) and a method may state as well. */
export const readEntries = {
  ttl: v.optional(ttl),
  jitter: v.optional(share),
  negativeTtl: v.optional(duration),
  staleWhileRevalidate: v.optional(duration),
  staleIfError: v.optional(duration),
};

const policyEntries = {
  ...readEntries,
  codec: v.optional(codec),
  lease: v.optional(v.pipe(positiveDuration, timer)),
  maxWait: v.optional(v.pipe(duration, timer)),
  fence: v.optional(v.pipe(positiveDuration, timer)),
  tombstone: v.optional(positiveDuration),
  maxValueBytes: v.optional(count(1)),
};

/** Of one region; the names of regions are checked by resolveOptions. */
export const regionSchema = v.strictObject(
  {
    ...policyEntries,
    attribute: v.optional(v.string('a name')),
    shape: v.optional(count(1)),
    keys: v.optional(v.picklist(['plain', 'hashed'], `'plain' or 'hashed'`)),
    l1: v.optional(v.literal(false, 'false, or left out')),
    mutable: v.optional(flag),
    type: v.optional(valueType),
    schema: v.optional(schema),
  },
  'an object of region options',
);

export const optionsSchema = v.strictObject(
  {
    ...policyEntries,
    service: v.string('the name of the service, the first segment of every key'),
    enabled: v.optional(flag),
    redis: v.optional(v.unknown()),
    l1: v.optional(
      v.union(
        [
          v.literal(false),
          v.strictObject({
            maxEntries: v.optional(count(1)),
            maxBytes: v.optional(count(1)),
            maxAge: v.optional(v.pipe(positiveDuration, timer)),
          }),
        ],
        'false, or { maxEntries, maxBytes, maxAge }',
      ),
    ),
    // v.record passes over names such as `constructor`
    regions: v.optional(
      v.custom<Record<string, unknown>>(
        (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
        'an object of region options by name',
      ),
    ),
    maxKeyLength: v.optional(count(50, 10_000)),
    reads: v.optional(v.picklist(['plain', 'function'], `'plain' or 'function'`)),
    // a multiple of it is the timeout of sockets
    commandTimeout: v.optional(v.pipe(positiveDuration, atMost('1h'))),
    onEvictFailure: v.optional(v.picklist(['journal', 'throw', 'block'], `'journal', 'throw' or 'block'`)),
    evictWait: v.optional(v.pipe(positiveDuration, timer)),
    onFailover: v.optional(v.picklist(['flush', 'stale', 'keep'], `'flush', 'stale' or 'keep'`)),
    onFenceFailure: v.optional(v.picklist(['refuse', 'run'], `'refuse' or 'run'`)),
    buckets: v.optional(count(2, 16_384)),
  },
  'an object of options',
);

/** Names of all options at a path, for "did you mean". */
export function optionNamesAt(path: readonly string[]): readonly string[] {
  return path[0] === 'l1' ? ['maxEntries', 'maxBytes', 'maxAge'] : Object.keys(optionsSchema.entries);
}

/** Options that a class (`@CacheConfig`) may state as defaults of its methods. */
export const classReadEntries = { ...readEntries, mutable: v.optional(flag), type: v.optional(valueType) };
