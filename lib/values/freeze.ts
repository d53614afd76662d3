/** Deepest nesting that is looked through: what codecs encode at most. A cycle ends there, too. */
const MAX_DEPTH = 1_000;

/**
 * Freezes a tree of plain objects and arrays, the leaves first. Its objects must belong to the caller alone.
 *
 * @returns the value itself
 */
export function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) freezeObject(value);
  return value;
}

function freezeObject(object: object): void {
  if (Array.isArray(object)) {
    for (let i = 0; i < object.length; i++) {
      const item: unknown = object[i];
      if (typeof item === 'object' && item !== null) freezeObject(item);
    }
  } else {
    const fields = object as { [name: string]: unknown };
    for (const name in fields) {
      const field = fields[name];
      if (typeof field === 'object' && field !== null && Object.hasOwn(fields, name)) freezeObject(field);
    }
  }
  Object.freeze(object);
}

/**
 * True for a tree of plain objects, arrays and primitives, without cycles: only of such a value does Object.freeze
 * reach everything. False for instances of classes (private fields cannot be seen), Date, Map, Set, bytes and
 * functions.
 */
export function isPlainTree(value: unknown, depth = 0): boolean {
  if (typeof value === 'function') return false;
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  const isArray = Array.isArray(value);
  if (!isArray) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
  }
  for (const child of isArray ? (value as unknown[]) : Object.values(value)) {
    if (!isPlainTree(child, depth + 1)) return false;
  }
  return true;
}
