import type { RegionOptions } from '../../lib/index.js';

/** One region under test. */
export interface RegionUnderTest {
  readonly name: string;
  /** True: values may come from a process's own memory, so they may be D old (G2); else never (G1). */
  readonly hasL1: boolean;
  readonly hasTags: boolean;
  /** Values carry their version; events put and evict by it. */
  readonly isVersioned: boolean;
  /** Short, so that expiry and refreshes in the background take part, or longer than most runs. */
  readonly ttl: 'short' | 'long';
  /** Refreshed before it expires, stale while a load takes long, with few loads at once. */
  readonly isResilient?: true;
  /**
   * Index of the region whose cached values the loader reads, key by key; the value carries the version it was made of.
   */
  readonly madeOf?: number;
}

/** Events older than this are evictions; it must outlast every delay that the faults cause. */
export const TOMBSTONE_MS = 4_000;

const LONG: RegionOptions = {
  ttl: '2m',
  staleWhileRevalidate: '1s',
  tombstone: TOMBSTONE_MS,
  maxWait: '2s',
};

const aRegion = (
  name: string,
  { hasL1 = false, hasTags = false, isVersioned = false }: Partial<RegionUnderTest>,
  ttl: RegionUnderTest['ttl'],
): RegionUnderTest => ({ name, hasL1, hasTags, isVersioned, ttl });

/** So early that hot keys are refreshed all the time; a fifth of the loads takes longer than `soft`. */
const RESILIENT: RegionOptions = {
  staleWhileRevalidate: 0,
  staleIfError: '2s',
  timeout: { soft: '15ms' },
  earlyRefresh: 10,
  maxConcurrentLoads: 8,
  maxQueuedLoads: 10_000,
};

const PART = 6;

export const REGIONS: readonly RegionUnderTest[] = [
  aRegion('exact', {}, 'long'),
  aRegion('local', { hasL1: true }, 'short'),
  aRegion('tagged', { hasTags: true }, 'short'),
  aRegion('taggedLocal', { hasL1: true, hasTags: true }, 'long'),
  aRegion('event', { isVersioned: true }, 'long'),
  aRegion('eventLocal', { hasL1: true, isVersioned: true }, 'short'),
  aRegion('part', { hasL1: true, hasTags: true }, 'long'),
  { ...aRegion('composed', { hasTags: true }, 'long'), madeOf: PART },
  { ...aRegion('composedLocal', { hasL1: true, hasTags: true }, 'long'), madeOf: PART },
  { ...aRegion('resilient', { hasTags: true }, 'short'), isResilient: true },
  { ...aRegion('resilientLocal', { hasL1: true }, 'short'), isResilient: true },
];

/** Regions with what is made of the values of `region`. */
export const madeOf = (region: number): number[] =>
  REGIONS.flatMap((each, index) => (each.madeOf === region ? [index] : []));

/** Every key carries one tag, and what is made of it carries the same. */
export const TAG_COUNT = 4;

export const tagOf = (region: number, key: number): number =>
  (REGIONS[region]!.madeOf ?? region) * TAG_COUNT + (key % TAG_COUNT);

export const tagName = (tag: number): string => `g${tag}`;

/**
 * @param fenceMs longer than every write of the workload, short enough that the fences of killed processes fall during
 * a run
 */
export function regionOptions({
  shortTtlMs,
  fenceMs,
  shape = 1,
}: {
  shortTtlMs: number;
  fenceMs: number;
  shape?: number;
}): Record<string, RegionOptions> {
  const optionsOf = ({ ttl, hasL1, isResilient }: RegionUnderTest): RegionOptions => ({
    ...LONG,
    ...(isResilient ? RESILIENT : {}),
    fence: fenceMs,
    shape,
    ...(ttl === 'short' ? { ttl: shortTtlMs } : {}),
    ...(hasL1 ? {} : { l1: false }),
  });
  return Object.fromEntries(REGIONS.map((region) => [region.name, optionsOf(region)]));
}
