import type { Clock, Timer } from '../shared/clock.js';
import { CacheError } from '../shared/errors.js';
import type { LoggerPort } from '../shared/logger.js';
import type { Hold } from './delivery.js';

/** Well within any session's time: kafkajs has 30 s, and sends at most one per `heartbeatInterval` of 3 s itself. */
const HEARTBEAT_MS = 1_000;

/**
 * Messages whose evictions Redis has not acknowledged. Each stays unanswered, so that its broker keeps it, and those behind it in its
 * partition keep their order; the receiver's heartbeats go on.
 */
export class WaitingRoom {
  private readonly waiting = new Set<{ readonly sinceMs: number }>();
  private readonly closing: Promise<'closing'>;
  private close!: () => void;
  isClosing = false;

  constructor(
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
  ) {
    this.closing = new Promise((resolve) => (this.close = () => resolve('closing')));
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
      const all = Promise.all(delivered).then(() => 'delivered' as const);
      // it may be left behind
      all.catch(() => undefined);
      while ((await this.next(all)) === 'time') await hold.heartbeat();
    } finally {
      this.waiting.delete(one);
      if (this.size === 0) this.logger.log('No message is held back any more.');
    }
  }

  /** Who waits now is let go without an answer, and so is who comes: it comes again after the restart. */
  end(): void {
    this.isClosing = true;
    this.close();
  }

  get size(): number {
    return this.waiting.size;
  }

  /** Ms; null: nobody waits. */
  get longestMs(): number | null {
    const [oldest] = this.waiting;
    return oldest === undefined ? null : this.clock.now() - oldest.sinceMs;
  }

  private async next(all: Promise<'delivered'>): Promise<'delivered' | 'time'> {
    let timer: Timer | undefined;
    const time = new Promise<'time'>((resolve) => (timer = this.clock.after(HEARTBEAT_MS, () => resolve('time'))));
    try {
      const first = await Promise.race([all, time, this.closing]);
      if (first === 'closing') throw closed();
      return first;
    } finally {
      timer?.cancel();
    }
  }
}

export function closed(): CacheError {
  return new CacheError(
    'RC_CLOSED',
    'A message was not handled: the application closes. It is not acknowledged, and comes again where its transport keeps it.',
  );
}
