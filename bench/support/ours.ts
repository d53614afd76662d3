import { engineOf } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Contender, Tiers } from './contender.js';

const ours = (name: string, tiers: Tiers): Contender => ({
  name,
  role: 'ours',
  tiers,
  async open({ url, load, ttlMs, maxEntries }) {
    let opened = 0;
    const count = (line: string) => void (opened += /is silent/.test(line) ? 1 : 0);
    const options = resolveOptions({
      service: `bench-${tiers.replace('+', '-')}`,
      redis: { url },
      ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
      ...(tiers === 'l2' ? { l1: false } : maxEntries === undefined ? {} : { l1: { maxEntries, maxBytes: 2 ** 31 } }),
    });
    const cache = createCache(options, { logger: { log: count, warn: count, error: count, debug: count } });
    await engineOf(cache).open();
    const region = cache.region<unknown>('r');
    const tagged = cache.region<unknown>('tagged');
    return {
      get: (key) => region.getOrLoad(key, () => load(key)),
      getTagged: (key, tag) => tagged.getOrLoad(key, () => load(key), { tags: [tag] }),
      evict: (key) => region.evict(key),
      evictMany: (keys) => {
        const changes = cache.changes();
        for (const key of keys) changes.region('r').evict(key);
        return changes.commit();
      },
      evictTag: (tag) => cache.evictTags([tag]),
      opened: () => opened,
      close: () => engineOf(cache).close(),
    };
  },
});

export const OURS: readonly Contender[] = [ours('ours, Redis only', 'l2'), ours('ours, two tiers', 'l1+l2')];
