import type { RegionOptions } from '../../lib/index.js';

/** One region under test. */
export interface RegionUnderTest {
  readonly name: string;
  /** True: values may come from a process's own memory, so they may be D old (G2); else never (G1). */
  readonly hasL1: boolean;
  readonly hasTags: boolean;
  /** Values carry their version; events put and evict by it. */
  readonly isVersioned: boolean;
  readonly options: RegionOptions;
}

/** Events older than this are evictions; it must outlast every delay that the faults cause. */
export const TOMBSTONE_MS = 4_000;

/** Longer than every write of the workload, short enough that the fences of killed processes fall during a run. */
export const FENCE_MS = 5_000;

/** Short ttls, so that expiry and background refreshes take part. */
const SHORT: RegionOptions = {
  ttl: '3s',
  staleWhileRevalidate: '1s',
  tombstone: TOMBSTONE_MS,
  fence: FENCE_MS,
  maxWait: '2s',
};
const LONG: RegionOptions = { ...SHORT, ttl: '2m' };

const aRegion = (
  name: string,
  traits: Partial<Pick<RegionUnderTest, 'hasL1' | 'hasTags' | 'isVersioned'>>,
  options: RegionOptions,
): RegionUnderTest => {
  const { hasL1 = false, hasTags = false, isVersioned = false } = traits;
  return { name, hasL1, hasTags, isVersioned, options: hasL1 ? options : { ...options, l1: false } };
};

export const REGIONS: readonly RegionUnderTest[] = [
  aRegion('exact', {}, LONG),
  aRegion('local', { hasL1: true }, SHORT),
  aRegion('tagged', { hasTags: true }, SHORT),
  aRegion('taggedLocal', { hasL1: true, hasTags: true }, LONG),
  aRegion('event', { isVersioned: true }, LONG),
  aRegion('eventLocal', { hasL1: true, isVersioned: true }, SHORT),
];

/** Every key carries one tag. */
export const TAG_COUNT = 4;

export const tagOf = (region: number, key: number): number => region * TAG_COUNT + (key % TAG_COUNT);

export const tagName = (tag: number): string => `g${tag}`;
