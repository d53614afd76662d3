/** What an application asks of its cache, and what it gives it. */
export interface Traffic {
  /** Different keys that are read. */
  readonly keys: number;
  /** Exponent of Zipf's law by which they are popular; 0: all alike. */
  readonly skew: number;
  /** Of all instances together, per second. */
  readonly reads: number;
  /** Evictions of keys, per second; keys that are read more are evicted more. */
  readonly evictions: number;
  readonly ttlSeconds: number;
  /** How long a load of the source takes. */
  readonly loadSeconds: number;
  /** How long an eviction is remembered in Redis. */
  readonly tombstoneSeconds: number;
  readonly instances: number;
  /** L1 of an instance has room for so many; 0: there is none. */
  readonly l1Entries: number;
}

/** Per second, of all instances together. */
export interface Rates {
  readonly l1Hits: number;
  readonly l2Hits: number;
  readonly misses: number;
  /** Misses during whose load another instance asks for the same, and is told. */
  readonly contended: number;
  /** Evicted keys that Redis remembers. */
  readonly tombstones: number;
  /** Entries of this traffic that stand in Redis. */
  readonly entries: number;
  /** Entries in L1 of one instance. */
  readonly l1Entries: number;
}

/** Keys of about the same popularity. */
interface Rank {
  readonly keys: number;
  /** Reads of each, per second, by all instances. */
  readonly reads: number;
  readonly evictions: number;
}

/** So many ranks are looked at one by one; behind them popularity changes little from one to the next. */
const SINGLE_RANKS = 2_000;
const GROWTH = 1.02;

/**
 * The expected rates of two tiers, for reads and evictions that come at random (Poisson).
 *
 * An entry lives in Redis until its ttl or an eviction, and then stays away until the next read; a copy in L1 ends with
 * it, or when it was not used for the characteristic time of the LRU (Che, Tung, Wang: Hierarchical Web Caching
 * Systems, 2002, section III).
 */
export function expectedRates(traffic: Traffic): Rates {
  const ranks = ranksOf(traffic);
  const unusedFor = characteristicTime(ranks, traffic);
  const others = (traffic.instances - 1) / traffic.instances;
  let [l1Hits, l2Hits, misses, contended, tombstones, entries] = [0, 0, 0, 0, 0, 0];
  for (const rank of ranks) {
    const lifetime = meanUntil(rank.evictions, traffic.ttlSeconds);
    const loads = 1 / (lifetime + 1 / rank.reads);
    const lookups = loads * lookupsIn(rank, traffic, unusedFor);
    misses += rank.keys * loads;
    contended += rank.keys * loads * -Math.expm1(-rank.reads * others * traffic.loadSeconds);
    tombstones += rank.keys * -Math.expm1(-rank.evictions * traffic.tombstoneSeconds);
    l2Hits += rank.keys * lookups;
    l1Hits += rank.keys * (rank.reads - loads - lookups);
    entries += rank.keys * loads * lifetime;
  }
  const held = traffic.l1Entries === 0 ? 0 : heldBy(ranks, traffic.instances, unusedFor);
  return { l1Hits, l2Hits, misses, contended, tombstones, entries, l1Entries: held };
}

/** Hits in Redis, expected of all instances while an entry lives there. */
function lookupsIn(
  { reads, evictions }: Rank,
  { instances, ttlSeconds, l1Entries }: Traffic,
  unusedFor: number,
): number {
  if (l1Entries === 0) return reads * meanUntil(evictions, ttlSeconds);
  const own = reads / instances;
  const short = Math.min(unusedFor, ttlSeconds);
  // the first read of an instance: of all but the one that loaded
  const first = own * meanUntil(own + evictions, short);
  // reads after an instance has let go of it
  const rest = meanUntil(evictions, ttlSeconds) - meanUntil(evictions, short);
  const again = own * Math.exp(-own * short) * rest;
  return (instances - 1) * first + instances * again;
}

/** The mean of what ends by chance at this rate, and after `atMost` at last. */
function meanUntil(rate: number, atMost: number): number {
  if (atMost === Infinity) return 1 / rate;
  return rate * atMost < 1e-9 ? atMost : -Math.expm1(-rate * atMost) / rate;
}

/** How long an entry stays in L1 unused, s: so long that as many are held as there is room for. */
function characteristicTime(ranks: readonly Rank[], { instances, l1Entries }: Traffic): number {
  if (l1Entries === 0) return 0;
  if (heldBy(ranks, instances, Infinity) <= l1Entries) return Infinity;
  let [least, most] = [0, 1];
  while (heldBy(ranks, instances, most) < l1Entries) most *= 2;
  for (let n = 0; n < 60; n++) {
    const middle = (least + most) / 2;
    if (heldBy(ranks, instances, middle) < l1Entries) least = middle;
    else most = middle;
  }
  return most;
}

/** Entries in L1 of an instance: what it read within that time and was not evicted since. */
function heldBy(ranks: readonly Rank[], instances: number, unusedFor: number): number {
  let held = 0;
  for (const { keys, reads, evictions } of ranks) {
    const own = reads / instances;
    held += keys * own * meanUntil(own + evictions, unusedFor);
  }
  return held;
}

function ranksOf({ keys, skew, reads, evictions }: Traffic): Rank[] {
  const ranks: { keys: number; weight: number }[] = [];
  for (let first = 1; first <= keys;) {
    const last = first < SINGLE_RANKS ? first : Math.min(keys, Math.floor(first * GROWTH));
    const middle = Math.sqrt(first * last);
    ranks.push({ keys: last - first + 1, weight: middle ** -skew });
    first = last + 1;
  }
  const total = ranks.reduce((sum, rank) => sum + rank.keys * rank.weight, 0);
  return ranks.map(({ keys: count, weight }) => {
    const share = weight / total;
    return { keys: count, reads: reads * share, evictions: evictions * share };
  });
}
