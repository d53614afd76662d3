/** Deepest nesting that is encoded. Fixed, so that what one process can write another can read, however deep its own stack is. */
export const MAX_DEPTH = 1_000;

/**
 * The cheap look at a value before it is encoded: true when JSON keeps it exactly as it is. On false, {@link annotate} looks closer.
 * Cyclic values end at MAX_DEPTH, on the first way down.
 */
export function isPlainJson(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    const fields = value as { [name: string]: unknown };
    for (const name of Object.keys(fields)) if (!isPlainJson(fields[name], depth + 1)) return false;
    return true;
  }
  if (prototype !== Array.prototype) return false;
  const items = value as unknown[];
  for (let i = 0; i < items.length; i++) if (!isPlainJson(items[i], depth + 1)) return false;
  return true;
}

/** As {@link isPlainJson}, for msgpack: numbers but -0, bigint and undefined are its own; ill-formed text and some names are not. */
export function isPlainMsgpack(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
    case 'number':
      return !Object.is(value, -0);
    case 'boolean':
    case 'undefined':
    case 'bigint':
      return true;
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    const fields = value as { [name: string]: unknown };
    for (const name of Object.keys(fields)) {
      if (!isMsgpackName(name) || !isPlainMsgpack(fields[name], depth + 1)) return false;
    }
    return true;
  }
  if (prototype !== Array.prototype) return false;
  const items = value as unknown[];
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (item === undefined ? !(i in items) : !isPlainMsgpack(item, depth + 1)) return false;
  }
  return true;
}

/** False for names of fields that msgpackr changes, or that make it take the object for something else: such an object is written as pairs. */
export function isMsgpackName(name: string): boolean {
  return name !== '__proto__' && name !== 'constructor' && name.isWellFormed();
}
