import type { ServerFacts } from '../stores/remote-store.js';

/** From this share of maxmemory on a server that evicts nothing counts as nearly full. */
const NEARLY_FULL = 0.8;

const CURE = 'volatile-lru lets Redis make room among entries (docs/redis.md, Memory)';

/** What is risky about a server's settings, with its cure; null: nothing is. */
export function adviceOn(facts: ServerFacts): string | null {
  const { maxMemoryBytes, usedMemoryBytes, evictionPolicy } = facts;
  if (maxMemoryBytes === null) {
    return `maxmemory is not set: Redis grows until its host has no memory left. Set maxmemory, and a maxmemory-policy: ${CURE}.`;
  }
  const share = usedMemoryBytes / maxMemoryBytes;
  if (evictionPolicy === 'noeviction' && share >= NEARLY_FULL) {
    return (
      `maxmemory-policy is noeviction and ${Math.round(share * 100)} % of maxmemory is used: a full server takes no more values, and loads are not cached. ` +
      `Raise maxmemory, or let Redis evict: ${CURE}.`
    );
  }
  if (evictionPolicy === 'allkeys-random') {
    return `maxmemory-policy is allkeys-random: it may take the bucket key, which empties the cache. Set another: ${CURE}.`;
  }
  return null;
}
