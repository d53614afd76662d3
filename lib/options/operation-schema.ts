import * as v from 'valibot';
import { entriesOf, entriesOfResult } from './option-entries.js';
import * as is from './option-schemas.js';
import { POLICY_AT } from './policy-table.js';

/** Shapes of the options of decorators and calls; a message is what the option must be. */

const flag = is.inValibot(is.flag);
const name = is.inValibot(is.name);
const method = v.function('a function');
const key = v.union([v.string(), v.function()], `a function of the arguments, or a template such as '{id}'`);
const strings = v.union(
  [v.array(v.string()), v.function()],
  'an array of strings, or a function of the result and the arguments',
);

const placeEntries = { cache: v.optional(name), region: v.optional(name) };
const targetEntries = { ...placeEntries, condition: v.optional(method) };

const resultEntries = {
  ...entriesOfResult(POLICY_AT.method),
  tags: v.optional(strings),
  version: v.optional(method),
  unless: v.optional(method),
};

const byHandEntries = {
  ...resultEntries,
  // a fixed one too: it is looked at where it is used, which says what a version is
  version: v.optional(v.unknown()),
};

/** Options of the calls by hand: of getOrLoad; of write and put; of evict. */
export const callSchemas = {
  getOrLoad: v.strictObject(
    { ...byHandEntries, report: v.optional(method), bypass: v.optional(flag), forceFresh: v.optional(flag) },
    'an object',
  ),
  write: v.strictObject(byHandEntries, 'an object'),
  evict: v.strictObject({ version: byHandEntries.version }, 'an object'),
};

export const operationSchemas = {
  Cacheable: v.strictObject(
    { ...targetEntries, ...resultEntries, key: v.optional(key), shared: v.optional(flag) },
    'an object',
  ),
  CachePut: v.strictObject({ ...targetEntries, ...resultEntries, key }, 'an object'),
  CacheEvict: v.strictObject(
    {
      ...targetEntries,
      key: v.optional(key),
      keys: v.optional(method),
      tags: v.optional(strings),
      allEntries: v.optional(flag),
      beforeInvocation: v.optional(flag),
      strict: v.optional(flag),
      version: v.optional(method),
    },
    'an object',
  ),
  CacheConfig: v.strictObject({ ...placeEntries, ...entriesOf(POLICY_AT.class) }, 'an object'),
};

const eventName = v.union(
  [v.pipe(v.string(), v.minLength(1)), v.instance(RegExp)],
  `the name of an event such as 'UserUpdated', or a RegExp`,
);
const eventNames = v.union(
  [eventName, v.pipe(v.array(eventName), v.minLength(1))],
  `the name of an event such as 'UserUpdated', a RegExp, or an array of these`,
);
const map = v.function('a function of the event, such as (event) => ({ key: event.userId })');
const ruleEntries = { cache: v.optional(name), region: v.optional(name), tombstone: v.optional(method) };

/** Shapes of what tells which events invalidate what. */
export const eventSchemas = {
  invalidateOn: v.object({ event: eventNames, map, options: v.strictObject(ruleEntries, 'an object') }),
  module: v.strictObject(
    {
      rules: v.optional(
        v.array(v.strictObject({ on: eventNames, map, ...ruleEntries }, 'an object'), 'an array of rules'),
      ),
      patterns: v.optional(v.array(eventName, `an array of topics, channels or subjects, such as ['user-events']`)),
      transport: v.optional(v.union([v.number(), v.symbol()], 'a Transport, such as Transport.KAFKA')),
      typeField: v.optional(v.pipe(v.string('the name of a field'), v.minLength(1, 'the name of a field'))),
      deadLetters: v.optional(
        v.union([v.pipe(v.string(), v.minLength(1)), v.function()], 'a Kafka topic, or a function of a dead letter'),
      ),
      plainChannel: v.optional(
        v.union(
          [
            flag,
            v.strictObject({ channel: v.optional(v.pipe(v.string(), v.minLength(1))), regions: v.optional(flag) }),
          ],
          'true, false, or an object',
        ),
      ),
      acknowledge: v.optional(flag),
    },
    'an object',
  ),
};
