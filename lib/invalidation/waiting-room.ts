import type { Clock } from '../shared/clock.js';
import { CacheError } from '../shared/errors.js';
import type { LoggerPort } from '../shared/logger.js';
import type { Hold } from './delivery.js';
import { withHeartbeats } from './heartbeats.js';

/**
 * Messages whose evictions Redis has not acknowledged. Each stays unanswered, so that its broker keeps it, and those
 * behind it in its partition keep their order; the receiver's heartbeats go on.
 */
export class WaitingRoom {
  private readonly waiting = new Set<{ readonly sinceMs: number }>();
  private readonly closing: Promise<never>;
  private close!: (error: CacheError) => void;
  isClosing = false;

  constructor(
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
  ) {
    this.closing = new Promise((_, reject) => (this.close = reject));
    // nobody may be waiting
    this.closing.catch(() => undefined);
  }

  /**
   * Resolves when everything was delivered.
   *
   * @throws CacheError RC_CLOSED when the application closes first; what the heartbeat throws
   */
  async wait(delivered: readonly Promise<void>[], hold: Hold): Promise<void> {
    const one = { sinceMs: this.clock.now() };
    if (this.size === 0) this.logger.warn('Messages are held back until Redis acknowledges their evictions.');
    this.waiting.add(one);
    try {
      await withHeartbeats(Promise.race([Promise.all(delivered), this.closing]), hold, this.clock);
    } finally {
      this.waiting.delete(one);
      if (this.size === 0) this.logger.log('No message is held back any more.');
    }
  }

  /** Who waits now is let go without an answer, and so is who comes: it comes again after the restart. */
  end(): void {
    this.isClosing = true;
    this.close(closed());
  }

  get size(): number {
    return this.waiting.size;
  }

  /** Ms; null: nobody waits. */
  get longestMs(): number | null {
    const [oldest] = this.waiting;
    return oldest === undefined ? null : this.clock.now() - oldest.sinceMs;
  }
}

export function closed(): CacheError {
  return new CacheError(
    'RC_CLOSED',
    'A message was not handled: the application closes. It is not acknowledged, and comes again where its transport keeps it.',
  );
}
