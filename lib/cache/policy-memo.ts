import { type ReadPolicy, type StatedOptions, tagsOf } from './read-policy.js';

interface Remembered {
  readonly policy: ReadPolicy;
  /** What the object said then: applications may change it. */
  readonly names: readonly string[];
  readonly values: readonly unknown[];
}

/**
 * Policies of the options of calls by hand. An object that is made outside of the calls is resolved once; and one that
 * says what the last one said is of its policy, but for its tags: most are literals of one call, whose tags tell the
 * key. To check and to resolve one takes as long as all else of a miss.
 */
export class PolicyMemo {
  private readonly byOptions = new WeakMap<object, Remembered>();
  private last: Remembered | null = null;

  of(options: StatedOptions, resolve: () => ReadPolicy): ReadPolicy {
    // what is no object is refused by what checks it
    if (typeof options !== 'object' || options === null || !isLiteral(options)) return resolve();
    const { last } = this;
    if (last !== null && isAsItWas(options, last, true)) return withTags(last, options);
    const known = this.byOptions.get(options);
    if (known !== undefined && isAsItWas(options, known)) return known.policy;
    const policy = resolve();
    this.last = { policy, names: Object.keys(options), values: Object.values(options) };
    this.byOptions.set(options, this.last);
    return policy;
  }
}

/** All that it says is its own: a class may have getters, whose names are not listed. */
function isLiteral(options: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(options);
  return prototype === Object.prototype || prototype === null;
}

/** @param butForTags other tags are as good, where they need no check */
function isAsItWas(options: object, { names, values }: Remembered, butForTags = false): boolean {
  let n = 0;
  for (const name in options) {
    const value = (options as Record<string, unknown>)[name];
    if (name !== names[n]) return false;
    if (value !== values[n] && !(butForTags && name === 'tags' && isListOfTexts(value))) return false;
    n += 1;
  }
  return n === names.length;
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function withTags({ policy, names, values }: Remembered, { tags }: StatedOptions): ReadPolicy {
  if (tags === undefined || tags === values[names.indexOf('tags')]) return policy;
  return { ...policy, tags: tagsOf(tags, policy.where) };
}
