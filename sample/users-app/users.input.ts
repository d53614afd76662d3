import * as v from 'valibot';
import { ROLES, type UserInput, type UserQuery } from './user.js';

// PostgreSQL's integer, and no control characters: it cannot keep NUL in a text.
const MAX_INTEGER = 2_147_483_647;
const text = (maxLength: number) =>
  v.pipe(
    v.string(),
    v.trim(),
    v.nonEmpty('must not be empty'),
    v.maxLength(maxLength),
    v.regex(/^\P{Cc}*$/u, 'must not contain control characters'),
  );
const id = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_INTEGER));

/** A whole number in a path or a query, where everything is text. */
const wholeNumber = (maximum: number) =>
  v.pipe(
    v.string('must be given once'),
    v.regex(/^\d{1,10}$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(1),
    v.maxValue(maximum),
  );

export const userId = wholeNumber(MAX_INTEGER);
export const organisationId = userId;

export const userQuery = v.strictObject({
  page: v.optional(wholeNumber(100_000), '1'),
  pageSize: v.optional(wholeNumber(100), '20'),
  orgId: v.optional(wholeNumber(MAX_INTEGER)),
  search: v.optional(text(100)),
}) satisfies v.GenericSchema<unknown, UserQuery>;

const userFields = {
  name: text(100),
  email: v.pipe(text(200), v.email(), v.toLowerCase()),
  role: v.optional(v.picklist(ROLES), 'member'),
  active: v.optional(v.boolean(), true),
  orgId: id,
};

export const newUser = v.strictObject(userFields) satisfies v.GenericSchema<unknown, UserInput>;

/**
 * `version`, when given, must be the row's: whoever edits an old copy gets a 409 instead of overwriting a newer one.
 */
export const changedUser = v.strictObject({
  ...userFields,
  version: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});

export const organisationName = v.strictObject({ name: text(100) });
