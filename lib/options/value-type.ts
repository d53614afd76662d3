import { CacheError, describeValue } from '../shared/errors.js';

/** A class of the application. */
export type ValueClass = abstract new (...args: never[]) => object;

/**
 * What a cached value is, so that it comes back as it came. `null` and `undefined` stay in any place.
 *
 * - a class, `User`: the value gets its prototype; the constructor does not run. Of an array, each item.
 * - a list, `[User]`; a tuple, `[[User], 'plain']`, as of `findAndCount`
 * - an object of fields, `{ items: [User] }`: the fields that it names; all others hold plain data
 * - {@link instanceOf}`(User, { orders: [Order] })`: a class whose fields hold classes
 * - a function of the plain value, which makes a new one
 * - `'plain'`: instances of classes come back as plain objects, without methods and without what decorators say of them
 * (`@Exclude()`)
 *
 * Made once, outside of the call: two that are equal are two shapes to L1.
 *
 * @publicApi
 */
export type ValueType =
  | ValueClass
  | ((plain: never) => unknown)
  | 'plain'
  | TypedInstance
  | readonly ValueType[]
  | FieldTypes;

/** Types by the names of fields. @publicApi */
export interface FieldTypes {
  readonly [field: string]: ValueType;
}

/** A class whose fields hold classes; made by {@link instanceOf}. @publicApi */
export class TypedInstance {
  constructor(
    readonly type: ValueClass,
    readonly fields: FieldTypes,
  ) {}
}

/**
 * The `type` of an instance whose fields hold instances too: `instanceOf(User, { orders: [Order] })`.
 *
 * @throws CacheError RC_INVALID_OPTION
 * @publicApi
 */
export function instanceOf(type: ValueClass, fields: FieldTypes): ValueType {
  if (typeof type !== 'function' || !isClass(type) || !isFieldTypes(fields)) {
    throw new CacheError(
      'RC_INVALID_OPTION',
      `instanceOf takes a class and types by the names of its fields, got ${describeValue(type)} and ${describeValue(fields)}. ` +
        `Write instanceOf(User, { orders: [Order] }).`,
    );
  }
  return Object.freeze(new TypedInstance(type, { ...fields }));
}

/** True for what {@link ValueType} names, to the last leaf. */
export function isValueType(type: unknown, depth = 0): type is ValueType {
  if (type === 'plain') return true;
  if (typeof type === 'function') return !isBuiltInClass(type as ValueClass);
  if (typeof type !== 'object' || type === null || depth > MAX_DEPTH) return false;
  const inner = type instanceof TypedInstance ? type.fields : type;
  if (Array.isArray(inner)) return inner.length > 0 && inner.every((item) => isValueType(item, depth + 1));
  return isFieldTypes(inner) && Object.values(inner).every((field) => isValueType(field, depth + 1));
}

/** Deeper ones hold themselves. */
const MAX_DEPTH = 50;

/** Not a schema, which is an option of its own. */
function isFieldTypes(fields: unknown): fields is FieldTypes {
  if (typeof fields !== 'object' || fields === null || '~standard' in fields) return false;
  const prototype: unknown = Object.getPrototypeOf(fields);
  return (prototype === Object.prototype || prototype === null) && Object.keys(fields).length > 0;
}

/**
 * True for classes: class syntax, or a function whose prototype has members of its own or another parent than Object.
 * False for functions that are called.
 */
export function isClass(type: ValueType): type is ValueClass {
  if (typeof type !== 'function') return false;
  if (/^class\b/.test(Function.prototype.toString.call(type))) return true;
  const prototype: unknown = type.prototype;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return (
    Reflect.ownKeys(prototype).some((name) => name !== 'constructor') ||
    Object.getPrototypeOf(prototype) !== Object.prototype
  );
}

/**
 * True for the classes of the language, such as Date and Map: their instances are more than a prototype and fields, so
 * that no plain value becomes one. False for functions that are called, bound ones among them.
 */
export function isBuiltInClass(type: ValueClass | ((plain: never) => unknown)): boolean {
  const isNative = /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(type));
  return isNative && typeof type.prototype === 'object' && type.prototype !== null;
}
