import { CacheError } from '../shared/errors.js';
import type { EntryCall } from './entry-call.js';

/**
 * A load that this library did not run to its end. `status`, `statusCode` and `expose` are those of the package
 * `http-errors`, by which Nest answers HTTP requests.
 */
class LoadRefusal extends CacheError {
  readonly status: number;
  readonly statusCode: number;
  /** The message is not for clients. */
  readonly expose = false;

  constructor(
    code: 'RC_LOADS_EXHAUSTED' | 'RC_LOAD_TIMEOUT',
    statusCode: number,
    message: string,
    /** When to try again; null: nothing speaks against now. */
    readonly retryAfterMs: number | null,
  ) {
    super(code, message);
    this.status = statusCode;
    this.statusCode = statusCode;
  }
}

export function loadsExhausted({ region, policy }: EntryCall, retryAfterMs: number): CacheError {
  const { maxConcurrentLoads, maxQueuedLoads } = region.options;
  return new LoadRefusal(
    'RC_LOADS_EXHAUSTED',
    503,
    `${policy.where}: no load could begin, since region "${region.name}" has as many as it may: ${maxConcurrentLoads} running (maxConcurrentLoads) and ` +
      `${maxQueuedLoads} waiting (maxQueuedLoads) in this process, or the wait took longer than maxWait. Try again in ${retryAfterMs} ms.`,
    retryAfterMs,
  );
}

export function loadTimedOut({ policy }: EntryCall): CacheError {
  return new LoadRefusal(
    'RC_LOAD_TIMEOUT',
    504,
    `${policy.where}: a load took longer than timeout.hard (${policy.hardTimeoutMs} ms) and was given up; the signal of its context is aborted.`,
    null,
  );
}
