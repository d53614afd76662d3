import { adviceOn } from './cache/server-advice.js';
import { connectionFormOf } from './options/connection-form.js';
import type { RedisConnectionOptions } from './options/redis-connection.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import { CacheError } from './shared/errors.js';
import type { ServerReport } from './stores/remote-store.js';

/**
 * One process's memory is no cache of a service that runs several: evictions would not reach the others.
 *
 * @param environment NODE_ENV
 * @throws CacheError RC_INVALID_OPTION
 */
export function refuseEmbedded(options: ResolvedOptions, environment: string | undefined): void {
  const { redis, enabled, allowEmbedded } = options;
  if (redis !== null || !enabled || allowEmbedded || environment !== 'production') return;
  throw new CacheError(
    'RC_INVALID_OPTION',
    `redis is left out with NODE_ENV=production: the embedded store serves one process, and evictions do not reach others. ` +
      `Give redis; for a service that runs as one process say allowEmbedded: true; enabled: false runs without a cache.`,
  );
}

/** What is risky about servers' settings, a line each. */
export function adviceOnServers(reports: readonly ServerReport[]): string[] {
  const byAdvice = new Map<string, string[]>();
  for (const { address, facts } of reports) {
    const advice = facts === null ? null : adviceOn(facts);
    if (advice !== null) byAdvice.set(advice, [...(byAdvice.get(advice) ?? []), address]);
  }
  return [...byAdvice].map(([advice, addresses]) => `Redis at ${addresses.join(', ')}: ${advice}`);
}

/**
 * What a client of the application's does while Redis hangs; the cache itself has connections of its own. Null: nothing
 * is risky, or there is none.
 */
export function adviceOnClient(redis: RedisConnectionOptions | null): string | null {
  if (redis === null || connectionFormOf(redis) !== 'client') return null;
  const client = ('client' in redis && typeof redis.client === 'object' ? redis.client : redis) as {
    options?: { commandTimeout?: unknown; redisOptions?: { commandTimeout?: unknown } };
  };
  const { options } = client;
  if (options === undefined || (options.commandTimeout ?? options.redisOptions?.commandTimeout) !== undefined)
    return null;
  return (
    'The client in redis has no commandTimeout: your own calls over it wait without a bound while Redis hangs (those of the cache do not; it has connections of its own). ' +
    'Make it with cacheClientOptions(), or give it a commandTimeout.'
  );
}
