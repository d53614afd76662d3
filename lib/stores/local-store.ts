/**
 * What L1 keeps of an entry. The engine judges whether it may still be served; the store only bounds and finds.
 *
 * Who found one may keep it: once the store lets go of it, it is `void` and holds no value.
 */
export interface LocalEntry {
  /** The decoded value, deeply frozen; or undefined when `revive` makes one per caller. */
  value: unknown;
  /** A promise of `value`, which all callers get; null: none was asked for yet. */
  answer: Promise<unknown> | null;
  /**
   * Makes a value of its own for each caller (mutable regions, values that cannot be frozen); null when `value` is
   * shared.
   */
  revive: (() => unknown) | null;
  /** Identity of the codec, type and schema that decoded it: another reader of the same key does not take it. */
  readonly shape: object;
  readonly region: string;
  /** Sequence `q` of the bucket when the entry was read or written. An invalidation with a greater one removes it. */
  readonly sequence: number;
  /** Lease stamp `s` of the entry. */
  readonly stamp: number;
  readonly tags: readonly string[];
  /** Local monotonic ms until which it is fresh, a whole number. */
  readonly freshUntilMs: number;
  /** Epoch of its bucket when it was put: a flush raises that of the bucket. {@link VOID}: the store let go of it. */
  epoch: number;
  /**
   * Count of tag, region and clear marks of its bucket up to which the entry was checked. Mutable: the reader moves it
   * on.
   */
  marksSeen: number;
  /** Logical time: what is read here instead was asked for later. */
  readonly at: number;
  /** How many entries had been put when it was last used, as the store counts them. */
  usedAt: number;
  /** Approximate bytes, for the bound. */
  readonly bytes: number;
  /** What decides whether it is refreshed before it expires; null: it is not. */
  readonly early: { readonly freshUntilMicros: number; readonly loadMicros: number } | null;
}

/** The epoch of an entry that its store let go of: less than any of a bucket. */
export const VOID = -1;

/**
 * L1: the process's own memory, synchronous and bounded. It holds values by reference.
 *
 * Every method is total: none throws, none blocks.
 */
export interface LocalStore {
  /** The entry, or undefined; counts as use for the replacement policy. */
  get(entry: string): LocalEntry | undefined;
  /**
   * Counts as use of what `get` gave for this name before, and is not void since: cheaper than finding it again. It may
   * count late, by at most a sixteenth of what the store holds.
   */
  use(entry: string, found: LocalEntry): void;
  /**
   * Keeps it, removing others over the bounds. An entry larger than `maxBytes` is not kept, and removes what stood
   * there.
   */
  put(entry: string, value: LocalEntry): void;
  /** As get, without counting as use. */
  peek(entry: string): LocalEntry | undefined;
  delete(entry: string): void;
  clear(): void;
  readonly size: number;
  readonly bytes: number;
  /** Entries removed because of a bound, since the start. */
  readonly replacements: number;
}
