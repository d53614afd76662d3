import type { State } from './layout.js';

/** A copy of a state that tells what is done to it. */
export interface Watched {
  readonly state: State;
  /** The bytes that were looked at before they were written, in this order. */
  readonly looked: ReadonlySet<number>;
  /** The bytes that were written and differ, or may differ: of one that nobody looked at nothing is known. */
  writes(): [byte: number, value: number][];
}

/** Those of arrays do to a watched state what those of typed arrays do to others. */
const METHODS = new Map<unknown, unknown>(
  (['fill', 'copyWithin', 'slice'] as const).map((name) => [name, Array.prototype[name]]),
);

export function watch(original: State): Watched {
  const bytes = original.slice();
  const looked = new Set<number>();
  const written = new Set<number>();
  const indexOf = (key: string | symbol) => {
    const at = Number(key);
    if (!(at in bytes)) throw new Error(`only bytes of a state are looked at and written, not "${String(key)}"`);
    return at;
  };
  const state: State = new Proxy(bytes, {
    get(_, key) {
      if (key === 'length') return bytes.length;
      if (key === 'set') return (values: ArrayLike<number>, at: number) => copy(values, state, at);
      if (METHODS.has(key)) return METHODS.get(key);
      const at = indexOf(key);
      if (!written.has(at)) looked.add(at);
      return bytes[at];
    },
    set(_, key, value: number) {
      const at = indexOf(key);
      bytes[at] = value;
      written.add(at);
      return true;
    },
  });
  const writes = () =>
    [...written]
      .filter((at) => !looked.has(at) || bytes[at] !== original[at])
      .map((at): [number, number] => [at, bytes[at]!]);
  return { state, looked, writes };
}

function copy(from: ArrayLike<number>, to: State, at: number): void {
  for (let n = 0; n < from.length; n++) to[at + n] = from[n]!;
}
