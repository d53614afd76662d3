import type { ValueType } from './redis-cache-options.js';

/**
 * True for the classes of the language, such as Date and Map: their instances are more than a prototype and fields, so that no plain value becomes one.
 * False for functions that are called, bound ones among them.
 */
export function isBuiltInClass(type: ValueType): boolean {
  const isNative = /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(type));
  return isNative && typeof type.prototype === 'object' && type.prototype !== null;
}
