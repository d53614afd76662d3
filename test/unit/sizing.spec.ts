import { expect, it } from '@jest/globals';
import { drawsOf } from '../../bench/sizing/draws.js';
import { expectedRates, type Traffic } from '../../bench/sizing/traffic.js';
import { World } from '../support/a-cache.js';

const SECONDS = 16;
const BASE: Traffic = {
  keys: 400,
  skew: 1,
  reads: 100,
  evictions: 3,
  ttlSeconds: 3,
  loadSeconds: 0,
  tombstoneSeconds: 600,
  instances: 1,
  l1Entries: 60,
};

it.each<Partial<Traffic>>([
  {},
  { instances: 4 },
  { instances: 4, l1Entries: 0 },
  { instances: 2, skew: 0, ttlSeconds: 10 },
  { instances: 2, l1Entries: 10_000, evictions: 25 },
])(
  'the calculator of sizes expects what caches count: %j',
  async (change) => {
    const traffic = { ...BASE, ...change };
    const counted = await played(traffic);
    const { l1Hits, l2Hits, misses } = expectedRates(traffic);
    // as shares of all reads
    const shares = (rates: Record<string, number>) =>
      Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, rate / traffic.reads]));
    const [is, said] = [shares(counted), shares({ l1Hits, l2Hits, misses })];
    for (const [name, share] of Object.entries(said)) expect(Math.abs(is[name]! - share)).toBeLessThan(0.03);
  },
  120_000,
);

/** Per second, of embedded caches whose time the test owns. */
async function played({ l1Entries, ttlSeconds, instances, reads, evictions, ...traffic }: Traffic) {
  const world = new World(1, {
    ttl: ttlSeconds * 1_000,
    l1: l1Entries === 0 ? false : { maxEntries: l1Entries },
  });
  const random = seeded(7);
  const draw = drawsOf(traffic, random);
  const started = await Promise.all(Array.from({ length: instances }, () => world.start()));
  const regions = started.map(({ cache }) => cache.region<number>('r'));
  const any = () => regions[Math.floor(random() * instances)]!;
  const sum = () => {
    const all = { l1Hits: 0, l2Hits: 0, misses: 0 };
    for (const { cache } of started) {
      const counts = cache.status().regions['r'];
      all.l1Hits += counts?.hitsL1 ?? 0;
      all.l2Hits += counts?.hitsL2 ?? 0;
      all.misses += counts?.misses ?? 0;
    }
    return all;
  };
  const play = async (seconds: number) => {
    let rest = seconds;
    while (rest > 0) {
      const pause = -Math.log(1 - random()) / (reads + evictions);
      rest -= pause;
      await world.clock.advance(pause * 1_000);
      if (random() < reads / (reads + evictions)) await any().getOrLoad(draw(), async () => 1);
      else await any().evict(draw());
    }
  };
  await play(2 * ttlSeconds);
  const before = sum();
  await play(SECONDS);
  const after = sum();
  await world.end();
  return {
    l1Hits: (after.l1Hits - before.l1Hits) / SECONDS,
    l2Hits: (after.l2Hits - before.l2Hits) / SECONDS,
    misses: (after.misses - before.misses) / SECONDS,
  };
}

/** Mulberry32: the same draws in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
