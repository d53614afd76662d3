import { types } from 'node:util';
import safeStableStringify from 'safe-stable-stringify';
import { CacheError, describeValue } from '../shared/errors.js';
import { hidesState } from '../shared/hidden-state.js';
import { escapeSegment } from './key-segment.js';
import type { IdentifierOf } from './key-template.js';

/** Which method a default key belongs to. */
export interface MethodIdentity {
  /** `this.constructor.name` of the instance it is called on. */
  readonly runtimeClass: string;
  /**
   * Name of the class whose body declares it: an override and the method it calls by `super` have keys of their own.
   */
  readonly declaringClass: string;
  /** Its name; for a symbol, its description and its number among the class's cached symbol methods. */
  readonly method: string;
}

/**
 * The identifier of methods without a `key`: `<RuntimeClass>:<DeclaringClass>.<method>`, then `:` and a canonical form
 * of each argument.
 *
 * Two different lists of arguments never make one key: 1, "1", 1n, undefined, null and a missing argument differ, and
 * so do Dates, Maps, Sets and bytes by their content, and instances by the name of their class. The order of an
 * object's keys does not matter; that of a Map and of a Set does. What cannot be seen from outside is no part of it: an
 * entry of a WeakMap (which TypeScript makes of `#private` fields below ES2022), a property added to bytes.
 *
 * The returned function throws CacheError RC_INVALID_KEY for what has no canonical form: functions, symbols, cycles,
 * hidden properties, instances of classes with methods or `#private` fields.
 */
export function defaultKeyOf(identity: MethodIdentity, where: string): IdentifierOf {
  const prefix = defaultKeyPrefix(identity);
  return (args) => {
    let identifier = prefix;
    for (let index = 0; index < args.length; index++) identifier += `:${canonicalArgument(args[index], index, where)}`;
    return identifier;
  };
}

/**
 * What tells the default keys of one method from those of all others. The first `.` of the second segment ends the
 * class's name.
 */
export function defaultKeyPrefix({ runtimeClass, declaringClass, method }: MethodIdentity): string {
  return `${escapeSegment(runtimeClass)}:${escapeSegment(declaringClass).replaceAll('.', '%2e')}.${escapeSegment(method)}`;
}

/**
 * Why no argument of this class can be part of a default key; null where one may. For a check at boot, by the types
 * that TypeScript emits.
 */
export function refusalOfType(type: unknown): string | null {
  if (type === Symbol || type === Function) return `it is a ${type === Symbol ? 'symbol' : 'function'}`;
  if (typeof type !== 'function' || BUILT_IN.has(type)) return null;
  const prototype = type.prototype as object | null | undefined;
  if (typeof prototype !== 'object' || prototype === null || ArrayBuffer.isView(prototype)) return null;
  if (prototype instanceof TYPED_ARRAY || 'toJSON' in prototype) return null;
  try {
    classNameOf(Object.create(prototype) as object);
    return null;
  } catch (error) {
    return error instanceof NoCanonicalForm ? error.message : null;
  }
}

const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array) as new () => object;
const BUILT_IN = new Set<unknown>([
  ...[Object, Array, String, Number, Boolean, BigInt, Date, Map, Set, ArrayBuffer, DataView],
  SharedArrayBuffer,
]);

function canonicalArgument(value: unknown, index: number, where: string): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean' || value === null) return String(value);
  if (typeof value === 'string') return escapeSegment(JSON.stringify(markedString(value)));
  try {
    return escapeSegment(canonicalText(value));
  } catch (error) {
    // anything else is a cycle or a depth that the stack does not hold
    const reason = error instanceof NoCanonicalForm ? error.message : 'it is circular, or nested too deeply';
    throw new CacheError(
      'RC_INVALID_KEY',
      `Argument ${index} of ${where} (${describeValue(value)}) cannot be part of a default key: ${reason}. Give the method a key, such as { key: (user) => user.id }.`,
    );
  }
}

class NoCanonicalForm extends Error {}

const stringify = safeStableStringify.configure({ deterministic: true, circularValue: TypeError });

/**
 * JSON with sorted keys, in which what JSON lacks is a string that begins with `~`, and any other such string has one
 * `~` more.
 */
function canonicalText(value: unknown): string {
  return stringify(value, canonicalValue)!;
}

function markedString(text: string): string {
  return text.startsWith('~') ? `~${text}` : text;
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Marks a string that canonicalValue made itself. */
class Marker {
  constructor(readonly text: string) {}
}

/** Called for each value of the tree; `toJSON` was called before, so the value is taken from its holder. */
function canonicalValue(this: unknown, key: string): string | number | boolean | null | object {
  const holder = this as Record<string, unknown>;
  const value = holder[key];
  switch (typeof value) {
    case 'string':
      return markedString(value);
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : `~${numberText(value)}`;
    case 'boolean':
      return value;
    case 'bigint':
      return `~n${value}`;
    case 'undefined':
      return key in holder ? '~u' : '~hole';
    case 'object':
      return value === null ? null : canonicalObject(value);
    default:
      throw new NoCanonicalForm(`${key === '' ? 'it' : JSON.stringify(key)} is a ${typeof value}`);
  }
}

function canonicalObject(value: object): string | object {
  if (value instanceof Marker) return value.text;
  if (types.isDate(value) || types.isMap(value) || types.isSet(value) || types.isAnyArrayBuffer(value))
    checkBuiltIn(value);
  if (types.isDate(value)) return `~d${value.getTime()}`;
  if (types.isMap(value))
    return tagged(
      'map',
      [...value].map((entry) => canonicalText(entry)),
    );
  if (types.isSet(value))
    return tagged(
      'set',
      [...value].map((item) => canonicalText(item)),
    );
  if (ArrayBuffer.isView(value)) return bytesText(value);
  if (types.isAnyArrayBuffer(value)) return `~b${nameOf(value)}:${Buffer.from(value).toString('base64')}`;
  const className = Array.isArray(value) ? null : classNameOf(value);
  if (Object.getOwnPropertySymbols(value).length > 0) throw new NoCanonicalForm('it has symbols for keys');
  if (Array.isArray(value)) {
    // the names of an array's items come first, then "length", then all others
    if (Object.getOwnPropertyNames(value).at(-1) !== 'length')
      throw new NoCanonicalForm('it is an array with properties');
    if (!isDirect(value)) throw new NoCanonicalForm(`it is an instance of ${nameOf(value)}`);
    return value;
  }
  if (Object.getOwnPropertyNames(value).length > Object.keys(value).length) {
    throw new NoCanonicalForm('it has properties that are not enumerable');
  }
  return className === null ? value : tagged(`class ${className}`, { ...value });
}

/** Not of a class that extends it, and without properties: its content is all it is. */
function checkBuiltIn(value: object): void {
  if (!isDirect(value)) throw new NoCanonicalForm(`it is an instance of ${nameOf(value)}`);
  if (Reflect.ownKeys(value).length > 0) throw new NoCanonicalForm(`it is a ${nameOf(value)} with properties`);
}

/** Of the built-in class itself: nothing stands between its prototype and that of all objects. */
function isDirect(value: object): boolean {
  const parent = Object.getPrototypeOf(Object.getPrototypeOf(value) as object) as object | null;
  return parent !== null && Object.getPrototypeOf(parent) === null;
}

function nameOf(value: object): string {
  return value.constructor.name;
}

/** Not of a class that extends the kind of bytes, which may have fields. */
function bytesText(value: ArrayBufferView): string {
  const name = nameOf(value);
  const kind = (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  if (name !== kind && name !== 'Buffer') throw new NoCanonicalForm(`it is an instance of ${name}`);
  return `~b${name}:${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}`;
}

/** An array that no array of the arguments equals, since its first item is a marker. */
function tagged(kind: string, content: readonly string[] | object): object {
  return [new Marker(`~${kind}`), ...(Array.isArray(content) ? content : [content])];
}

/**
 * The name of the value's class, or null for a plain object. Classes of data only (such as DTOs) have all they are in
 * their own properties; what has methods may keep more elsewhere.
 */
function classNameOf(value: object): string | null {
  const direct = Object.getPrototypeOf(value) as object | null;
  if (direct === null) return null;
  let prototype = direct;
  for (
    let parent: object | null;
    (parent = Object.getPrototypeOf(prototype) as object | null) !== null;
    prototype = parent
  ) {
    if (Reflect.ownKeys(prototype).some((name) => name !== 'constructor')) {
      throw new NoCanonicalForm(`it is an instance of ${direct.constructor.name}, which has methods or accessors`);
    }
    if (Object.hasOwn(prototype, 'constructor') && hidesState(prototype.constructor)) {
      throw new NoCanonicalForm(
        `it is an instance of ${direct.constructor.name}, which has #private fields or other hidden state`,
      );
    }
  }
  if (!Object.hasOwn(prototype, 'isPrototypeOf'))
    throw new NoCanonicalForm('it inherits from an object that is no class');
  return prototype === direct ? null : direct.constructor.name;
}
