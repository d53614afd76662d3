import { types } from 'node:util';
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

/** Prototypes of application classes seen before: telling them from built-in objects takes a dozen calls. */
const classes = new WeakSet<object>();

export function objectKindOf(value: object): ObjectKind {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return 'plain';
  if (prototype === Date.prototype) return 'date';
  if (classes.has(prototype)) return 'class';
  if (types.isDate(value)) return 'date';
  if (types.isMap(value)) return 'map';
  if (types.isSet(value)) return 'set';
  if (types.isBoxedPrimitive(value)) return 'boxed';
  if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) return byteClassOf(value) ? 'bytes' : 'refused';
  if (isShell(value)) return 'refused';
  // Plain objects of another realm (a vm context).
  if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')) return 'plain';
  classes.add(prototype);
  return 'class';
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
    types.isSetIterator(value)
  );
}

/** For messages and warnings. */
export function classNameOf(value: object): string {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'an unnamed class';
}
