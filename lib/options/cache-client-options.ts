import type { ClientOptions } from './redis-connection.js';

const FIRST_MS = 50;
/** While nobody is there: back within half a second of the server's return. */
export const AWAY_MS = 400;
/** Share, so that many processes do not come at once. */
const JITTER = 0.12;

/**
 * Options for a client of the application's own that shares its Redis with a cache, so that no call of it hangs: `new
 * Redis({ host, ...cacheClientOptions() })`.
 *
 * ioredis by itself queues commands while Redis is away, repeats each twenty times, waits for answers without a bound,
 * and stays with a master that was demoted. The cache needs none of this: it opens connections of its own like the
 * client that it is given.
 *
 * @param options what is to be otherwise
 * @publicApi
 */
export function cacheClientOptions(options: ClientOptions = {}): ClientOptions {
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

/** ms until the next attempt to connect to a server that is away. */
export const defaultRetry = (attempt: number): number => reconnectAfterMs(attempt, AWAY_MS);

/** ms until the next attempt to connect: twice as long each time, `longestMs` at most. @param attempt from 1 on */
export function reconnectAfterMs(attempt: number, longestMs: number): number {
  return Math.min(FIRST_MS * 2 ** Math.min(attempt - 1, 10), longestMs) * (1 + JITTER * Math.random());
}
