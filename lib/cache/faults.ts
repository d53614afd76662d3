import { CacheError, describeThrown, isCacheError } from '../shared/errors.js';
import type { LoggerPort } from '../shared/logger.js';
import { StoreRefusal } from '../stores/remote-store.js';

/** A fault of this library, which was logged. Redis has no part in it, and trying again would not help. */
export class LibraryFault extends CacheError {
  constructor(what: string, cause: unknown) {
    super(
      'RC_STORE_UNAVAILABLE',
      `${what} failed by a fault of nestjs-redis-cache itself (${describeThrown(cause)}); Redis has no part in it. ` +
        `Please report it with the stack that was logged.`,
      { cause },
    );
  }
}

/**
 * The server did not answer, so that another call would wait for it in vain. What it refuses, and faults of this
 * library, say nothing of others.
 */
export function isSilence(error: unknown): boolean {
  return isCacheError(error) && !(error instanceof LibraryFault) && !(error instanceof StoreRefusal);
}

/**
 * Keeps faults of this library apart from a Redis that is away: the one is mended by programmers, the other by time.
 */
export class Faults {
  private readonly seen = new Set<string>();

  constructor(private readonly logger: LoggerPort) {}

  /**
   * The error as the engine's callers may see it. Anything but a CacheError is a fault: each is logged once, with its
   * stack.
   *
   * @param what what failed, at the start of a sentence
   */
  cacheErrorOf(what: string, error: unknown): CacheError {
    if (isCacheError(error)) return error;
    const fault = new LibraryFault(what, error);
    const name = `${what} ${describeThrown(error)}`;
    if (!this.seen.has(name) && this.seen.size < MAX_SEEN) {
      this.seen.add(name);
      this.logger.error(`${fault.message}\n${stackOf(error)}`);
    }
    return fault;
  }
}

/** Different faults that are told; a library with more has told enough. */
const MAX_SEEN = 100;

function stackOf(error: unknown): string {
  return (error instanceof Error && error.stack) || 'It has no stack.';
}
