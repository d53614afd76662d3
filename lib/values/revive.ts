import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type FieldTypes, TypedInstance, isClass, type ValueType } from '../options/value-type.js';
import { CacheError } from '../shared/errors.js';

/** The value is not what type or schema say. The message has no content of it. */
export class MisfitError extends Error {}

/**
 * What is made of a plain value: a function of it. `null` and `undefined` stay as they are and are not passed to it.
 */
export type Revive = (plain: unknown) => unknown;

/**
 * The function that `type` stands for; null where plain values stay what they are.
 *
 * A class gives the value its prototype: the constructor does not run, the fields stay the value's own. A function is
 * called with the value and must return a **new** one. Where `type` says no list, each item of an array is revived by
 * itself.
 */
export function reviveByType(type: ValueType): Revive | null {
  if (type === 'plain') return null;
  if (Array.isArray(type)) return reviveList(type as readonly ValueType[]);
  const one = reviveOne(type);
  return eachItem((plain) => one(plain));
}

/** True when some function of the application makes a part of the value. */
export function isMadeByFunction(type: ValueType): boolean {
  if (typeof type === 'function') return !isClass(type);
  if (typeof type === 'string') return false;
  return Object.values(type instanceof TypedInstance ? type.fields : type).some(isMadeByFunction);
}

function reviveOne(type: ValueType): Revive {
  if (typeof type === 'function') return isClass(type) ? instanceMaker(type, {}) : (type as unknown as Revive);
  if (type instanceof TypedInstance) return instanceMaker(type.type, type.fields);
  const revivers = reviversOf(type as FieldTypes);
  return (plain) => ({ ...revivedFields(fieldsOf(plain, `the fields ${Object.keys(type).join(', ')}`), revivers) });
}

function reviveList(types: readonly ValueType[]): Revive {
  const revivers = types.map(reviveByType);
  const [first] = revivers;
  return (plain) => {
    if (plain === null || plain === undefined) return plain;
    if (!Array.isArray(plain)) throw new MisfitError('it is no list');
    return plain.map((item: unknown, index) => {
      const revive = types.length === 1 ? first : revivers[index];
      return revive ? revive(item) : item;
    });
  };
}

function eachItem(revive: Revive): Revive {
  const revived: Revive = (plain) => {
    if (plain === null || plain === undefined) return plain;
    return Array.isArray(plain) ? plain.map(revived) : revive(plain);
  };
  return revived;
}

type Fields = { [name: string]: unknown };
type Revivers = readonly (readonly [name: string, revive: Revive])[];

function reviversOf(types: FieldTypes): Revivers {
  return Object.entries(types).flatMap(([name, type]) => {
    const revive = reviveByType(type);
    return revive ? [[name, revive] as const] : [];
  });
}

function instanceMaker({ prototype, name }: { prototype: object; name: string }, types: FieldTypes): Revive {
  const revivers = reviversOf(types);
  // A literal defines its properties: no setter of the class runs, and a field named __proto__ stays a field.
  return (plain) => ({
    __proto__: prototype,
    ...revivedFields(fieldsOf(plain, `the fields of a ${name}`), revivers),
  });
}

function fieldsOf(plain: unknown, wanted: string): Fields {
  if (typeof plain === 'object' && plain !== null && Object.getPrototypeOf(plain) === Object.prototype) {
    return plain as Fields;
  }
  throw new MisfitError(`it does not hold ${wanted}`);
}

function revivedFields(fields: Fields, revivers: Revivers): Fields {
  if (revivers.length === 0) return fields;
  const revived = { ...fields };
  for (const [name, revive] of revivers) {
    if (Object.hasOwn(revived, name)) revived[name] = revive(revived[name]);
  }
  return revived;
}

/**
 * The schema as a function: its output, which may differ from its input.
 *
 * @throws (the function) MisfitError naming the paths that do not fit; CacheError RC_INVALID_OPTION when the schema is
 * asynchronous
 */
export function reviveBySchema(schema: StandardSchemaV1): Revive {
  const { validate, vendor } = schema['~standard'];
  return (plain) => {
    if (plain === null || plain === undefined) return plain;
    const result = validate(plain);
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new CacheError(
        'RC_INVALID_OPTION',
        `schema is asynchronous (${vendor}), and hits are answered without waiting. Use a schema without asynchronous checks.`,
      );
    }
    // Issues quote the value; only their paths are told.
    if (result.issues)
      throw new MisfitError(`it does not fit the schema at ${result.issues.slice(0, 5).map(pathOf).join(', ')}`);
    return result.value;
  };
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  const names = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step).slice(0, 40));
  return names.length === 0 ? 'the root' : names.join('.');
}
