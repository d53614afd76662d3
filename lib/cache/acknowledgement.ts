import { CacheError } from '../shared/errors.js';
import type { Engine } from './engine.js';
import type { PendingEviction } from './eviction-journal.js';
import { LibraryFault } from './faults.js';
import type { RegionState } from './region-state.js';

/** Sends evictions, and queues what Redis does not acknowledge. */
export class Acknowledgement {
  constructor(
    private readonly engine: Pick<Engine, 'journal' | 'logger'>,
    private readonly onEvictFailure: 'journal' | 'throw',
  ) {}

  /** @throws CacheError RC_EVICTION_PENDING, by option; RC_CLOSED; a {@link LibraryFault} */
  async of(
    region: RegionState | null,
    evictions: readonly PendingEviction[],
    send: () => Promise<void>,
  ): Promise<void> {
    this.throwIfAsked(await this.orQueued(region, evictions, send));
  }

  /** As `of`, for where another error is the caller's to see: returns why it was not acknowledged; null: it was. Never rejects. */
  async orQueued(
    region: RegionState | null,
    evictions: readonly PendingEviction[],
    send: () => Promise<void>,
  ): Promise<CacheError | null> {
    try {
      await send();
      return null;
    } catch (cause) {
      if (region) region.counts.evictionsFailed += evictions.length;
      // sent again it would fail again
      return cause instanceof LibraryFault ? cause : this.queue(evictions, cause);
    }
  }

  throwIfAsked(pending: CacheError | null): void {
    if (pending && (this.onEvictFailure === 'throw' || pending.code !== 'RC_EVICTION_PENDING')) throw pending;
  }

  private queue(evictions: readonly PendingEviction[], cause: unknown): CacheError {
    const { journal, logger } = this.engine;
    if (journal.isClosed) {
      return new CacheError(
        'RC_CLOSED',
        `An eviction was not sent: the cache is closed, and will not try again. Other instances may serve the old value until its ttl. ` +
          `End what writes before the application closes.`,
        { cause },
      );
    }
    const isFirst = journal.size === 0;
    for (const eviction of evictions) journal.add(eviction);
    const message = `Redis did not acknowledge an eviction (${(cause as Error).message}); it is retried until it does.`;
    const pending = new CacheError('RC_EVICTION_PENDING', message, { cause });
    // one line per outage, not per request
    if (isFirst) logger.warn(pending.message);
    else logger.debug(pending.message);
    return pending;
  }
}
