import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as v from 'valibot';
import type { Codec } from '../codecs/codec.js';
import { type Duration, toMilliseconds } from './duration.js';
import { isName } from './names.js';
import type { CodecName } from './policy-options.js';
import { isValueType, type ValueType } from './value-type.js';

/**
 * What an option may be. A message is what it must be (after "must be"), so that every error reads alike; durations and
 * names leave theirs to toMilliseconds and checkName.
 */

/** Message of durations: the error is made by toMilliseconds. */
export const BAD_DURATION = 'a duration';

/** Message of names: the error is made by checkName. */
export const BAD_NAME = 'a name';

const isDuration = (value: unknown): boolean => {
  try {
    toMilliseconds('', value);
    return true;
  } catch {
    return false;
  }
};

export const duration = v.custom<Duration>(isDuration, BAD_DURATION);

export const longerThanNothing = (message = 'longer than 0') =>
  v.pipe(
    duration,
    v.check((value) => toMilliseconds('', value) > 0, message),
  );

export const atMost = (most: Duration) =>
  v.check<Duration, string>((value) => toMilliseconds('', value) <= toMilliseconds('', most), `${most} at most`);

/** What a timer of Node waits for: it counts 24.8 days, and fires at once when it is to wait longer. */
export const timer = (length: v.GenericSchema<unknown, Duration>) => v.pipe(length, atMost('24d'));

const SHARE = 'a number from 0 to 1';
export const share = v.pipe(v.number(SHARE), v.minValue(0, SHARE), v.maxValue(1, SHARE));

const FACTOR = 'a number from 0 to 10';
export const factor = v.pipe(v.number(FACTOR), v.minValue(0, FACTOR), v.maxValue(10, FACTOR));

export const predicate = v.custom<(error: unknown) => boolean>(
  (value) => typeof value === 'function',
  'a function of the error that returns true or false',
);

export const flag = v.boolean('true or false');

export const count = (least: number, most = Number.MAX_SAFE_INTEGER) => {
  const message =
    most === Number.MAX_SAFE_INTEGER ? `a whole number >= ${least}` : `a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.safeInteger(message), v.minValue(least, message), v.maxValue(most, message));
};

export const timeouts = v.strictObject(
  { soft: v.optional(timer(longerThanNothing())), hard: v.optional(timer(longerThanNothing())) },
  '{ soft, hard }',
);

export const name = v.custom<string>(isName, BAD_NAME);

/** One of these texts. */
export const choice = <const Choices extends readonly [string, string, ...string[]]>(...choices: Choices) => {
  const quoted = choices.map((one) => `'${one}'`);
  return v.picklist(choices, `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`);
};

const isCodec = (value: unknown): value is Codec => {
  const given = value as Partial<Codec> | null;
  return (
    typeof given === 'object' &&
    given !== null &&
    typeof given.id === 'string' &&
    /^[a-z0-9-]{1,20}$/.test(given.id) &&
    typeof given.binary === 'boolean' &&
    typeof given.encode === 'function' &&
    typeof given.decode === 'function'
  );
};

export const codec = v.custom<CodecName | Codec>(
  (value) => value === 'json' || value === 'msgpack' || isCodec(value),
  `'json', 'msgpack', or a codec { id (lower-case letters, digits, "-"), binary, encode, decode }`,
);

export const valueType = v.custom<ValueType>(
  isValueType,
  `a class of yours, [User], { items: [User] }, instanceOf(User, { … }), a function of the plain value, or 'plain' (Date, Map, Set and bytes come back by themselves)`,
);

export const schema = v.custom<StandardSchemaV1>(
  (value) => typeof (value as { '~standard'?: { validate?: unknown } } | null)?.['~standard']?.validate === 'function',
  'a Standard Schema, such as one of valibot, zod or arktype',
);
