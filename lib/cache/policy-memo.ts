import type { ReadPolicy, StatedOptions } from './read-policy.js';

interface Remembered {
  readonly policy: ReadPolicy;
  /** What the object said then: applications may change it. */
  readonly names: readonly string[];
  readonly values: readonly unknown[];
}

/** Policies by the object that options of calls by hand stand in: one made outside of the calls is resolved once. */
export class PolicyMemo {
  private readonly byOptions = new WeakMap<object, Remembered>();

  of(options: StatedOptions, resolve: () => ReadPolicy): ReadPolicy {
    // what is no object is refused by what checks it
    if (typeof options !== 'object' || options === null) return resolve();
    const known = this.byOptions.get(options);
    if (known !== undefined && isAsItWas(options, known)) return known.policy;
    const policy = resolve();
    this.byOptions.set(options, { policy, names: Object.keys(options), values: Object.values(options) });
    return policy;
  }
}

function isAsItWas(options: object, { names, values }: Remembered): boolean {
  let n = 0;
  for (const name in options) {
    if (name !== names[n] || (options as Record<string, unknown>)[name] !== values[n]) return false;
    n += 1;
  }
  return n === names.length;
}
