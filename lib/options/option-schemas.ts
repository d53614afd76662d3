import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as v from 'valibot';
import type { Codec } from '../codecs/codec.js';
import { type Duration, toMilliseconds } from './duration.js';
import { isName } from './names.js';
import type { Schema } from './option-table.js';
import type { CodecName } from './policy-options.js';
import { isValueType, type ValueType } from './value-type.js';

/**
 * What an option may be. A message is what it must be (after "must be"), so that every error reads alike; durations and
 * names leave theirs to toMilliseconds and checkName.
 */

/** A schema as valibot takes it, which made it. */
export const inValibot = <Output>(schema: Schema<Output>) => schema as v.GenericSchema<unknown, Output>;

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

export const duration: Schema<Duration> = v.custom<Duration>(isDuration, BAD_DURATION);

export const longerThanNothing = (message = 'longer than 0'): Schema<Duration> =>
  v.pipe(
    inValibot(duration),
    v.check((value) => toMilliseconds('', value) > 0, message),
  );

export const atMost = (most: Duration, length: Schema<Duration>): Schema<Duration> =>
  v.pipe(
    inValibot(length),
    v.check((value) => toMilliseconds('', value) <= toMilliseconds('', most), `${most} at most`),
  );

/** What a timer of Node waits for: it counts 24.8 days, and fires at once when it is to wait longer. */
export const timer = (length: Schema<Duration>): Schema<Duration> => atMost('24d', length);

const SHARE = 'a number from 0 to 1';
export const share: Schema<number> = v.pipe(v.number(SHARE), v.minValue(0, SHARE), v.maxValue(1, SHARE));

const FACTOR = 'a number from 0 to 10';
export const factor: Schema<number> = v.pipe(v.number(FACTOR), v.minValue(0, FACTOR), v.maxValue(10, FACTOR));

export const predicate: Schema<(error: unknown) => boolean> = v.custom<(error: unknown) => boolean>(
  (value) => typeof value === 'function',
  'a function of the error that returns true or false',
);

export const flag: Schema<boolean> = v.boolean('true or false');

export const count = (least: number, most = Number.MAX_SAFE_INTEGER): Schema<number> => {
  const message =
    most === Number.MAX_SAFE_INTEGER ? `a whole number >= ${least}` : `a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.safeInteger(message), v.minValue(least, message), v.maxValue(most, message));
};

const limit = v.optional(inValibot(timer(longerThanNothing())));
export const timeouts: Schema<{ soft?: Duration; hard?: Duration }> = v.strictObject(
  { soft: limit, hard: limit },
  '{ soft, hard }',
);

export const name: Schema<string> = v.custom<string>(isName, BAD_NAME);

/** One of these texts. */
export const choice = <const Choices extends readonly [string, string, ...string[]]>(
  ...choices: Choices
): Schema<Choices[number]> => {
  const quoted = choices.map((one) => `'${one}'`);
  return v.picklist(choices, `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`);
};

export const onlyFalse = (message: string): Schema<false> => v.literal(false, message);

export const falseOr = <Output>(other: Schema<Output>, message: string): Schema<false | Output> =>
  v.union([v.literal(false), inValibot(other)], message);

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

export const codec: Schema<CodecName | Codec> = v.custom<CodecName | Codec>(
  (value) => value === 'json' || value === 'msgpack' || isCodec(value),
  `'json', 'msgpack', or a codec { id (lower-case letters, digits, "-"), binary, encode, decode }`,
);

export const valueType: Schema<ValueType> = v.custom<ValueType>(
  isValueType,
  `a class of yours, [User], { items: [User] }, instanceOf(User, { … }), a function of the plain value, or 'plain' (Date, Map, Set and bytes come back by themselves)`,
);

export const schema: Schema<StandardSchemaV1> = v.custom<StandardSchemaV1>(
  (value) => typeof (value as { '~standard'?: { validate?: unknown } } | null)?.['~standard']?.validate === 'function',
  'a Standard Schema, such as one of valibot, zod or arktype',
);
