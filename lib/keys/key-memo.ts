import type { CacheKey } from './cache-key.js';

/** Keys of a generation. Two generations of short keys are about 0.3 MB. */
const GENERATION_SIZE = 1_024;

/** Longer texts are not worth their memory. */
const MAX_TEXT_LENGTH = 100;

/**
 * Remembers the keys of what was asked for lately.
 *
 * Making a Redis key and hashing it costs four times the look-up in L1; the same string again has its hash already. Two generations:
 * when the young one is full it becomes the old one, and the old one goes.
 */
export class KeyMemo {
  private young = new Map<string | number, CacheKey>();
  private old = new Map<string | number, CacheKey>();

  /** The key that this decides; made by `make` when it is not remembered. */
  of(decided: unknown, make: (decided: unknown) => CacheKey): CacheKey {
    if (typeof decided !== 'number' && (typeof decided !== 'string' || decided.length > MAX_TEXT_LENGTH)) {
      return make(decided);
    }
    const known = this.young.get(decided);
    if (known !== undefined) return known;
    const key = this.old.get(decided) ?? make(decided);
    if (this.young.size >= GENERATION_SIZE) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(decided, key);
    return key;
  }
}
