import { types } from 'node:util';
import { classNameOf as nameOfClass } from '../shared/class-name.js';
import { hidesState } from '../shared/hidden-state.js';
import { byteClassOf } from './byte-classes.js';

/** What a codec makes of an object that is no array. */
export type ObjectKind =
  | 'plain'
  | 'date'
  | 'map'
  | 'set'
  | 'bytes'
  | 'boxed'
  /** An instance of an application's class. */
  | 'class'
  /** Its content is not in its properties, so a copy of them would be an empty shell. */
  | 'refused';

/**
 * Prototypes of application classes seen before: telling them from built-in objects takes a dozen calls. True: its
 * instances have something to show for a content, so that one without fields is taken for a shell.
 */
const classes = new WeakMap<object, boolean>();

export function objectKindOf(value: object): ObjectKind {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return 'plain';
  if (prototype === Date.prototype) return 'date';
  const known = classes.get(prototype);
  if (known !== undefined) return known && hasNoFields(value) ? 'refused' : 'class';
  if (types.isDate(value)) return 'date';
  if (types.isMap(value)) return 'map';
  if (types.isSet(value)) return 'set';
  if (types.isBoxedPrimitive(value)) return 'boxed';
  if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) return byteClassOf(value) ? 'bytes' : 'refused';
  if (isShell(value)) return 'refused';
  // Plain objects of another realm (a vm context).
  if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')) return 'plain';
  const jsonForm = isMethod(prototype, 'toJSON');
  if (liveKindOf(prototype) !== null || (!jsonForm && chainOf(prototype).some((one) => hidesState(one.constructor))))
    return 'refused';
  classes.set(prototype, !jsonForm && chainOf(prototype).some(hasMembers));
  return classes.get(prototype) && hasNoFields(value) ? 'refused' : 'class';
}

/** Why an instance is refused, after "is an instance of …"; '' where its class says it. */
export function whyRefused(value: object): string {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || isBuiltIn(value)) return '';
  const live = liveKindOf(prototype);
  if (live !== null) return `, ${live}`;
  if (chainOf(prototype).some((one) => hidesState(one.constructor))) {
    return ', whose class keeps content in #private fields or a WeakMap, where no copy reaches';
  }
  return hasNoFields(value) ? ', which has methods or accessors and no fields of its own' : '';
}

/** What goes on after it was returned; null for data. */
function liveKindOf(prototype: object): string | null {
  if (isMethod(prototype, 'pipe') && isMethod(prototype, 'on')) return 'a stream';
  if (isMethod(prototype, 'on') && isMethod(prototype, 'emit')) return 'an emitter';
  if (isMethod(prototype, 'subscribe') && (isMethod(prototype, 'pipe') || '@@observable' in prototype)) {
    return 'an Observable';
  }
  return isMethod(prototype, Symbol.asyncIterator) ? 'an asynchronous iterable' : null;
}

/** Without running a getter. */
function isMethod(prototype: object, name: string | symbol): boolean {
  for (const one of chainOf(prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(one, name);
    if (descriptor) return typeof descriptor.value === 'function';
  }
  return false;
}

/** The prototypes of application classes, nearest first. */
function chainOf(prototype: object): object[] {
  const chain: object[] = [];
  for (
    let one: object | null = prototype;
    one !== null && !Object.hasOwn(one, 'isPrototypeOf');
    one = Object.getPrototypeOf(one) as object | null
  ) {
    chain.push(one);
  }
  return chain;
}

/** Methods or accessors. */
function hasMembers(prototype: object): boolean {
  return Reflect.ownKeys(prototype).some((name) => {
    if (name === 'constructor') return false;
    const { get, value } = Object.getOwnPropertyDescriptor(prototype, name)!;
    return get !== undefined || typeof value === 'function';
  });
}

function hasNoFields(value: object): boolean {
  for (const name in value) if (Object.hasOwn(value, name)) return false;
  return true;
}

function isShell(value: object): boolean {
  return (
    types.isNativeError(value) ||
    value instanceof Error ||
    types.isRegExp(value) ||
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    value instanceof WeakRef ||
    types.isGeneratorObject(value) ||
    types.isMapIterator(value) ||
    types.isSetIterator(value) ||
    /\bIterator\b/.test(Object.prototype.toString.call(value)) ||
    (isBuiltIn(value) && !('toJSON' in Object.getPrototypeOf(value)))
  );
}

/**
 * True for an instance of a class of the language or of Node (URLSearchParams, Headers, Blob, Intl.NumberFormat …), and
 * of what extends one. With a `toJSON`, such as URL's, it says itself what is in it.
 */
function isBuiltIn(value: object): boolean {
  for (let prototype = Object.getPrototypeOf(value); prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    if (typeof constructor !== 'function' || prototype === Object.prototype || constructor.name === 'Object') continue;
    // JavaScript of Node itself is no native code; those classes are known by their global name
    if (NATIVE_CODE.test(Function.prototype.toString.call(constructor))) return true;
    if (constructor === (globalThis as { readonly [name: string]: unknown })[constructor.name]) return true;
  }
  return false;
}

const NATIVE_CODE = /\{\s*\[native code\]\s*\}\s*$/;

/** As {@link classNameOf}; null for an object whose prototype is no class's, or an unnamed one's. */
export function ownClassNameOf(value: object): string | null {
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype !== null && Object.hasOwn(prototype, 'constructor') && typeof prototype.constructor === 'function'
    ? nameOfClass(prototype.constructor) || null
    : null;
}

/** For messages and warnings. */
export function classNameOf(value: object): string {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'an unnamed class';
}
