import type { CacheKey } from '../keys/cache-key.js';
import type { Mark } from '../stores/channel.js';
import type { RegionState } from './region-state.js';

/** What is counted of evictions: when they were acknowledged, and when a try was not. */
export interface EvictionCounts {
  evictions: number;
  evictionsFailed: number;
}

/** One eviction that a call asks for. */
export type Wanted =
  | {
      readonly kind: 'key';
      readonly region: RegionState;
      readonly key: CacheKey;
      /** Canonical, or '' for whatever version stands. */
      readonly version: string;
      /** A fence of this instance that stands, or may stand, and ends with the eviction. */
      readonly fence?: string;
      /**
       * True: what stands may be served as stale while it is reloaded. Not beside evictions that are not soft, nor over
       * several buckets.
       */
      readonly isSoft?: boolean;
    }
  | { readonly kind: 'mark'; readonly mark: Mark; readonly counts: EvictionCounts };

/** One key of a group. */
export interface KeyEviction {
  readonly key: CacheKey;
  readonly version: string;
  readonly tombstoneMs: number;
  readonly fences: readonly string[];
  /** What stands becomes stale, instead of going. */
  readonly isSoft: boolean;
}

/** What a group evicts in one bucket. */
export interface BucketPart {
  readonly bucket: number;
  readonly keys: readonly KeyEviction[];
  readonly marks: readonly Mark[];
}

/**
 * Evictions that belong together: those of one call. Entries may be made of each other, so that they have to go as one:
 * either in one moment, or so that none comes back before all are gone (R19).
 */
export interface EvictionGroup {
  readonly parts: readonly BucketPart[];
  /** How many evictions to count, and where. */
  readonly tally: ReadonlyMap<EvictionCounts, number>;
}

/**
 * Fences remembered per key: the first ones, sent before an outage was noticed, are those that may stand. The others
 * end by their time.
 */
const MAX_FENCES = 16;

/** A mark is in every bucket. The same key or mark twice is one. */
export function groupOf(wanted: readonly Wanted[], bucketCount: number): EvictionGroup {
  const keys = new Map<string, KeyEviction>();
  const marks = new Set<Mark>();
  const tally = new Map<EvictionCounts, number>();
  for (const one of wanted) {
    if (one.kind === 'mark') {
      if (!marks.has(one.mark)) count(tally, one.counts, 1);
      marks.add(one.mark);
      continue;
    }
    const { key, region, version, fence, isSoft = false } = one;
    const known = keys.get(key.entry);
    if (known === undefined) count(tally, region.counts, 1);
    const { tombstoneMs } = region.options;
    const fences = fence === undefined ? [] : [fence];
    keys.set(key.entry, merged(known, { key, version, tombstoneMs, fences, isSoft }));
  }
  return { parts: partsOf(keys.values(), marks, bucketCount), tally };
}

/** Both as one; they have the same keys and the same marks. */
export function mergedGroups(known: EvictionGroup, added: EvictionGroup): EvictionGroup {
  const keys = new Map<string, KeyEviction>();
  for (const { keys: ofPart } of known.parts) for (const one of ofPart) keys.set(one.key.entry, one);
  const parts = added.parts.map((part) => ({
    ...part,
    keys: part.keys.map((one) => merged(keys.get(one.key.entry), one)),
  }));
  return { parts, tally: summed(known.tally, added.tally) };
}

export function summed(a: EvictionGroup['tally'], b: EvictionGroup['tally']): EvictionGroup['tally'] {
  const tally = new Map(a);
  for (const [counts, n] of b) count(tally, counts, n);
  return tally;
}

export function countAcknowledged({ tally }: EvictionGroup): void {
  for (const [counts, n] of tally) counts.evictions += n;
}

export function countFailed({ tally }: EvictionGroup): void {
  for (const [counts, n] of tally) counts.evictionsFailed += n;
}

/** Two versions of one key: without one, everything goes. */
function merged(known: KeyEviction | undefined, added: KeyEviction): KeyEviction {
  if (known === undefined) return added;
  return {
    key: added.key,
    version: known.version === added.version ? added.version : '',
    tombstoneMs: Math.max(known.tombstoneMs, added.tombstoneMs),
    fences: [...new Set([...known.fences, ...added.fences])].slice(0, MAX_FENCES),
    isSoft: known.isSoft && added.isSoft,
  };
}

function partsOf(keys: Iterable<KeyEviction>, marks: ReadonlySet<Mark>, bucketCount: number): BucketPart[] {
  const byBucket = new Map<number, KeyEviction[]>();
  if (marks.size > 0) for (let bucket = 0; bucket < bucketCount; bucket++) byBucket.set(bucket, []);
  for (const one of keys) {
    const others = byBucket.get(one.key.bucket);
    if (others) others.push(one);
    else byBucket.set(one.key.bucket, [one]);
  }
  return [...byBucket].map(([bucket, ofBucket]) => ({ bucket, keys: ofBucket, marks: [...marks] }));
}

function count(tally: Map<EvictionCounts, number>, counts: EvictionCounts, n: number): void {
  tally.set(counts, (tally.get(counts) ?? 0) + n);
}
