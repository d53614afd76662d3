import * as v from 'valibot';
import { entriesOfResult } from './option-entries.js';
import * as is from './option-schemas.js';
import { POLICY_AT } from './policy-table.js';

/** Shapes of the options of the HTTP door's decorators; a message is what the option must be. */

const name = v.string('a name');
const method = v.function('a function');
const strings = v.array(v.string(), 'an array of strings');
/** A header's or parameter's name is compared as it is, so a blank one is a slip. */
const names = v.array(v.pipe(v.string(), v.regex(/^[^\s,;="]{1,100}$/)), 'an array of names');
const duration = v.optional(is.inValibot(is.duration));
const flag = v.optional(is.inValibot(is.flag));

const target = { cache: v.optional(name), region: v.optional(name) };

export const httpSchemas = {
  HttpCache: v.strictObject(
    {
      ...target,
      ...entriesOfResult(POLICY_AT.response, 'the body and the context'),
      scope: v.optional(v.picklist(['public', 'private'], `'public' or 'private'`)),
      principal: v.optional(method),
      tenant: v.optional(method),
      key: v.optional(method),
      query: v.optional(names),
      unknownQuery: v.optional(v.picklist(['bypass', 'drop'], `'bypass' or 'drop'`)),
      vary: v.optional(names),
      headers: v.optional(names),
      tags: v.optional(
        v.union([strings, v.function()], 'an array of strings, or a function of the body and the context'),
      ),
      condition: v.optional(method),
      unless: v.optional(method),
      etag: flag,
      clientTtl: duration,
      sharedTtl: duration,
      honorClientNoCache: flag,
      respectHeaders: flag,
      xCache: flag,
      answer: v.optional(v.picklist(['bytes', 'value'], `'bytes' or 'value'`)),
    },
    'an object',
  ),
  HttpCacheEvict: v.strictObject(
    {
      cache: v.optional(name),
      tags: v.optional(
        v.union([strings, v.function()], 'an array of strings, or a function of the result and the context'),
      ),
      uri: flag,
    },
    'an object',
  ),
};
