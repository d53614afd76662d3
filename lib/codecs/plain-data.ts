/**
 * Deepest nesting that is encoded. Fixed, so that what one process can write another can read, however deep its own
 * stack is.
 */
export const MAX_DEPTH = 1_000;

/**
 * The cheap look at a value before it is encoded: true when JSON keeps it exactly as it is. On false, {@link annotate}
 * looks closer. Cyclic values end at MAX_DEPTH, on the first way down.
 */
export function isPlainJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isJsonLeaf(value);
  try {
    return isPlainJsonTree(value, 0);
  } catch {
    // a getter threw: the closer look names its path
    return false;
  }
}

function isJsonLeaf(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    default:
      return value === null;
  }
}

function isPlainJsonTree(object: object, depth: number): boolean {
  if (depth >= MAX_DEPTH) return false;
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Object.prototype) {
    const fields = object as { [name: string]: unknown };
    // for-in is much faster than Object.keys. Where something is inherited, the closer look is taken.
    for (const name in fields) {
      const field = fields[name];
      if (typeof field === 'object' && field !== null ? !isPlainJsonTree(field, depth + 1) : !isJsonLeaf(field))
        return false;
    }
    return true;
  }
  if (prototype !== Array.prototype) return false;
  const items = object as unknown[];
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item === 'object' && item !== null ? !isPlainJsonTree(item, depth + 1) : !isJsonLeaf(item)) return false;
  }
  return true;
}

/**
 * As {@link isPlainJson}, for msgpack: numbers but -0, bigint and undefined are its own; ill-formed text and some names
 * are not.
 */
export function isPlainMsgpack(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isMsgpackLeaf(value);
  try {
    return isPlainMsgpackTree(value, 0);
  } catch {
    return false;
  }
}

/** False for names of fields that msgpackr changes: such an object is written as pairs. */
export function isMsgpackName(name: string): boolean {
  return name !== '__proto__' && name.isWellFormed();
}

function isMsgpackLeaf(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
    case 'number':
      return !Object.is(value, -0);
    case 'boolean':
    case 'undefined':
    case 'bigint':
      return true;
    default:
      return value === null;
  }
}

function isPlainMsgpackTree(object: object, depth: number): boolean {
  if (depth >= MAX_DEPTH) return false;
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Object.prototype) {
    const fields = object as { [name: string]: unknown };
    for (const name in fields) {
      const field = fields[name];
      if (!isMsgpackName(name)) return false;
      if (typeof field === 'object' && field !== null ? !isPlainMsgpackTree(field, depth + 1) : !isMsgpackLeaf(field))
        return false;
    }
    return true;
  }
  if (prototype !== Array.prototype) return false;
  const items = object as unknown[];
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (
      item === undefined
        ? !(i in items)
        : typeof item === 'object' && item !== null
          ? !isPlainMsgpackTree(item, depth + 1)
          : !isMsgpackLeaf(item)
    )
      return false;
  }
  return true;
}
