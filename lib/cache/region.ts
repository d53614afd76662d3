import type { CacheKey } from '../keys/cache-key.js';
import type { ResolvedRegionOptions } from '../options/resolved-options.js';
import type { FencedKey } from './call-fences.js';
import type { EntryCall } from './entry-call.js';
import type { Wanted } from './eviction-group.js';
import type { EvictionOutcome } from './evictions.js';
import type { LoadContext } from './load-context.js';
import type { ReadPolicy } from './read-policy.js';
import type { Asked, OnReport } from './read-report.js';
import type { CacheWriter } from './writer.js';

type Args = readonly unknown[];

/** L1 has no value for this caller. */
export const NOTHING = Symbol('nothing');

/**
 * A region as the doors of the library use it: decorators, calls by hand, and what else reads and evicts. Keys and
 * options are checked and resolved before; nothing here is public.
 */
export interface Region {
  readonly name: string;
  readonly options: ResolvedRegionOptions;
  /** The key of an identifier that is escaped already. */
  keyOf(identifier: string): CacheKey;
  /**
   * The keys that a path after the region's name may mean, as somebody else wrote it: escaped or not, with the
   * attribute or without.
   */
  keysOfPath(path: string): CacheKey[];
  /** Read-through. */
  read(
    key: CacheKey,
    policy: ReadPolicy,
    args: Args,
    load: (context: LoadContext) => Promise<unknown>,
    asked?: Asked,
  ): Promise<unknown>;
  /** As `read`, for callers for whom `answerLocal` had nothing: does not ask L1 again. */
  readBehind(
    key: CacheKey,
    policy: ReadPolicy,
    args: Args,
    load: (context: LoadContext) => Promise<unknown>,
    asked?: Asked,
  ): Promise<unknown>;
  /** The fresh value, or undefined; loads nothing. @param report gets how it was answered, if it was */
  peek(key: CacheKey, policy: ReadPolicy, report?: OnReport): Promise<unknown>;
  /**
   * A promise of what L1 has for one caller, counted as a hit: the cheapest answer there is, since all get the same
   * promise of a value that they share. Null: L1 has nothing, or the hit may be one that refreshes early; then
   * `readBehind` goes on.
   */
  answerLocal(key: CacheKey, policy: ReadPolicy): Promise<unknown> | null;
  /** What L1 has for one caller, counted as a hit, or NOTHING. */
  takeLocal(key: CacheKey, policy: ReadPolicy, report?: OnReport): unknown;
  writeThrough(key: CacheKey, policy: ReadPolicy, args: Args, write: () => Promise<unknown>): Promise<unknown>;
  /** @throws CacheError RC_PUT_UNSAFE */
  put(key: CacheKey, policy: ReadPolicy, value: unknown): Promise<void>;
  /** Resolves when acknowledged, or queued. */
  evictKeys(keys: readonly CacheKey[], options?: { version?: string }): Promise<void>;
  /** Writes and evicts for every region of the cache. */
  readonly writer: CacheWriter;
  /** What a call evicts by keys. */
  wantedKeys(keys: readonly CacheKey[], version?: string, isSoft?: boolean): Wanted[];
  /** The region's clear. */
  wantedClear(): Wanted;
  /** A strict eviction's keys. */
  fencedKeys(keys: readonly CacheKey[]): FencedKey[];
  /** A versioned put of a value that came from elsewhere; never rejects. */
  sendPut(key: CacheKey, policy: ReadPolicy, value: unknown): Promise<EvictionOutcome>;
  /** One call that puts its result. */
  entryCall(key: CacheKey, policy: ReadPolicy, args: Args): EntryCall;
  clear(): Promise<void>;
  /** Closing waits for this write. */
  tracked<W>(writing: Promise<W>): Promise<W>;
  /** Some operation gives this region's entries tags: versioned puts are fenced from now on. */
  declareTags(): void;
  /** `condition` was false. */
  countBypass(): void;
  /** The kill switch. */
  isOff: boolean;
}
