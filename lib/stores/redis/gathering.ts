import type { Clock } from '../../shared/clock.js';

/** What is asked for within this time of what was sent last goes out together, ms. */
const GATHER_MS = 1;

/**
 * When what callers ask for goes out. The first after a pause goes at the end of its callback; what comes within a
 * millisecond of it goes together, at the end of the turn of the event loop at the latest.
 *
 * Requests that come at the same time come in a callback each. Sent by callback, each would pay for a call of its own;
 * sent by turn alone, each would wait for all callbacks of a busy process, and its answer for another turn.
 */
export class Gathering {
  private sentAtMs = -Infinity;
  private isWaiting = false;
  private isDue = false;

  /** @param send sends all that was added */
  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly send: () => void,
  ) {}

  /** Something waits to be sent. */
  added(): void {
    if (this.isDue) return;
    if (this.clock.now() - this.sentAtMs >= GATHER_MS) {
      this.isDue = true;
      process.nextTick(this.flush);
    } else if (!this.isWaiting) setImmediate(this.flush);
    this.isWaiting = true;
  }

  private readonly flush = () => {
    // it went already, since others came after a millisecond
    if (!this.isWaiting) return;
    this.isWaiting = false;
    this.isDue = false;
    this.sentAtMs = this.clock.now();
    this.send();
  };
}
