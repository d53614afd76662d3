import * as v from 'valibot';
import { inValibot } from './option-schemas.js';
import type { OptionTable } from './option-table.js';

type Entries = Record<string, v.OptionalSchema<v.GenericSchema, undefined>>;

/** The options as a schema of valibot takes them. */
export function entriesOf(table: OptionTable): Entries {
  return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, v.optional(inValibot(spec.schema))]));
}

/** As entriesOf, with functions where a result may decide. @param given what these get, for messages */
export function entriesOfResult(table: OptionTable, given = 'the result and the arguments'): Entries {
  const entries = Object.entries(table).map(([name, { schema: stated, ofResult }]) => {
    const schema = inValibot(stated);
    const message = `${ofResult}, or a function of ${given}`;
    return [name, v.optional(ofResult === undefined ? schema : v.union([v.function(), schema], message))] as const;
  });
  return Object.fromEntries(entries);
}
