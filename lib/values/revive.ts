import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ValueType } from '../options/redis-cache-options.js';
import { isBuiltInClass } from '../options/value-type.js';
import { CacheError } from '../shared/errors.js';

/** The value is not what type or schema say. The message has no content of it. */
export class MisfitError extends Error {}

/** What is made of a plain value: a function of it. `null` and `undefined` stay as they are and are not passed to it. */
export type Revive = (plain: unknown) => unknown;

/**
 * The function that `type` stands for; each item of an array is revived by itself.
 *
 * A class (class syntax, or a function whose prototype has members of its own or another parent than Object) gives the value its prototype: the
 * constructor does not run, the fields stay the value's own. Any other function is called with the value and must return a **new** one.
 *
 * @throws CacheError RC_INVALID_OPTION for built-in classes such as Date or Map
 */
export function reviveByType(type: ValueType): Revive {
  const reviveItem = isClass(type) ? instanceMaker(type) : (type as unknown as Revive);
  const revive: Revive = (plain) => {
    if (plain === null || plain === undefined) return plain;
    return Array.isArray(plain) ? plain.map(revive) : reviveItem(plain);
  };
  return revive;
}

/** True for classes, false for functions that are called. @throws CacheError RC_INVALID_OPTION for built-in classes */
export function isClass(type: ValueType): boolean {
  if (isBuiltInClass(type)) {
    throw new CacheError(
      'RC_INVALID_OPTION',
      `type cannot be the built-in ${type.name}. Name a class of yours or a function of the plain value; Date, Map, Set and bytes come back by themselves.`,
    );
  }
  if (/^class\b/.test(Function.prototype.toString.call(type))) return true;
  const prototype: unknown = type.prototype;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return (
    Reflect.ownKeys(prototype).some((name) => name !== 'constructor') ||
    Object.getPrototypeOf(prototype) !== Object.prototype
  );
}

function instanceMaker(type: ValueType): Revive {
  const prototype = type.prototype as object;
  return (plain) => {
    if (typeof plain !== 'object' || plain === null || Object.getPrototypeOf(plain) !== Object.prototype) {
      throw new MisfitError(`it does not hold the fields of a ${type.name}`);
    }
    // A literal defines its properties: no setter of the class runs, and a field named __proto__ stays a field.
    return { __proto__: prototype, ...plain };
  };
}

/**
 * The schema as a function: its output, which may differ from its input.
 *
 * @throws (the function) MisfitError naming the paths that do not fit; CacheError RC_INVALID_OPTION when the schema is asynchronous
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
