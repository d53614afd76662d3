import type { RedisOptions } from 'ioredis';
import { defaultRetry } from './backoff.js';

/**
 * Options for a client of the application's own that shares its Redis with a cache, so that no call of it hangs: `new Redis({ host, ...cacheClientOptions() })`.
 *
 * ioredis by itself queues commands while Redis is away, repeats each twenty times, waits for answers without a bound, and stays with a master that was demoted.
 * The cache needs none of this: it opens connections of its own like the client that it is given.
 *
 * @param options what is to be otherwise
 * @publicApi
 */
export function cacheClientOptions(options: RedisOptions = {}): RedisOptions {
  return {
    connectTimeout: 2_000,
    commandTimeout: 1_000,
    keepAlive: 10_000,
    disconnectTimeout: 200,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    retryStrategy: defaultRetry,
    // reconnects, and sends the command again, which a replica has not run
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    failoverDetector: true,
    ...options,
  };
}
