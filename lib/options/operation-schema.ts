import * as v from 'valibot';
import { classReadEntries, flag, readEntries, schema, valueType } from './options-schema.js';

/** Shapes of the options of decorators; a message is what the option must be. */

const name = v.string('a name');
const method = v.function('a function');
const key = v.union([v.string(), v.function()], `a function of the arguments, or a template such as '{id}'`);
const strings = v.union(
  [v.array(v.string()), v.function()],
  'an array of strings, or a function of the result and the arguments',
);

const targetEntries = { cache: v.optional(name), region: v.optional(name), condition: v.optional(method) };

const resultEntries = {
  ...readEntries,
  ttl: v.optional(
    v.union(
      [v.function(), readEntries.ttl.wrapped],
      `a duration such as '5m', longer than 0, or a function of the result and the arguments`,
    ),
  ),
  tags: v.optional(strings),
  version: v.optional(method),
  unless: v.optional(method),
  type: v.optional(valueType),
  schema: v.optional(schema),
  mutable: v.optional(flag),
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
  CacheConfig: v.strictObject({ cache: v.optional(name), region: v.optional(name), ...classReadEntries }, 'an object'),
};
