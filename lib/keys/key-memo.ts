import type { CacheKey } from './cache-key.js';

/** Keys of a generation. Two generations of short keys are about 0.3 MB. */
const GENERATION_SIZE = 1_024;

/** Longer texts are not worth their memory. */
const MAX_TEXT_LENGTH = 100;

/** Of what many have in common. */
const MAX_COMMON_LENGTH = 300;

type Scalar = string | number;

/** Keys by what decides them: one scalar, or two, of which the first finds the map of the second. */
interface Generation<Key> {
  readonly singles: Map<Scalar, Key>;
  readonly pairs: Map<Scalar, Map<Scalar, Key>>;
  size: number;
}

/**
 * Remembers the keys of what was asked for lately.
 *
 * Making a Redis key and hashing it costs four times the look-up in L1; the same string again has its hash already. Two
 * generations: when the young one is full it becomes the old one, and the old one goes.
 */
export class KeyMemo<Key extends object = CacheKey> {
  private young = emptyGeneration<Key>();
  private old = emptyGeneration<Key>();

  /** The key that this decides; made by `make` when it is not remembered. */
  of(decided: unknown, make: (decided: unknown) => Key): Key {
    if (isShortScalar(decided)) {
      const known = this.young.singles.get(decided);
      if (known !== undefined) return known;
      const key = this.old.singles.get(decided) ?? make(decided);
      this.grow().singles.set(decided, key);
      return key;
    }
    if (Array.isArray(decided) && decided.length === 2) {
      const [first, second] = decided as unknown[];
      if (isShortScalar(first) && isShortScalar(second)) return this.ofPair(first, second, decided, make);
    }
    return make(decided);
  }

  private ofPair(first: Scalar, second: Scalar, decided: unknown, make: (decided: unknown) => Key): Key {
    return this.known(first, second) ?? this.remember(first, second, make(decided));
  }

  /** What was remembered for this pair. @param first what many have in common */
  known(first: Scalar, second: Scalar): Key | undefined {
    const known = this.young.pairs.get(first)?.get(second);
    if (known !== undefined) return known;
    const old = this.old.pairs.get(first)?.get(second);
    return old === undefined ? undefined : this.put(first, second, old);
  }

  /** Longer texts it lets go. @returns the key */
  remember(first: Scalar, second: Scalar, key: Key): Key {
    return isShortScalar(first, MAX_COMMON_LENGTH) && isShortScalar(second) ? this.put(first, second, key) : key;
  }

  private put(first: Scalar, second: Scalar, key: Key): Key {
    const { pairs } = this.grow();
    const seconds = pairs.get(first);
    if (seconds) seconds.set(second, key);
    else pairs.set(first, new Map([[second, key]]));
    return key;
  }

  /** The generation that has room for one more. */
  private grow(): Generation<Key> {
    if (this.young.size >= GENERATION_SIZE) {
      this.old = this.young;
      this.young = emptyGeneration<Key>();
    }
    this.young.size += 1;
    return this.young;
  }
}

function emptyGeneration<Key>(): Generation<Key> {
  return { singles: new Map(), pairs: new Map(), size: 0 };
}

/** A Map takes -0 for 0, which default keys tell apart. */
function isShortScalar(value: unknown, maxLength = MAX_TEXT_LENGTH): value is Scalar {
  return (
    (typeof value === 'number' && !Object.is(value, -0)) || (typeof value === 'string' && value.length <= maxLength)
  );
}
