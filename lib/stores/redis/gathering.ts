import type { Clock } from '../../shared/clock.js';

/** What is asked for within this time of what was sent last goes out together, ms. */
const GATHER_MS = 1;

/**
 * When what callers ask for goes out. The first after a pause goes at the end of its callback; what comes within a
 * millisecond of it goes together, at the end of the turn of the event loop at the latest.
 *
 * Requests that come at the same time come in a callback each. Sent by callback, each would pay for a call of its own;
 * sent by turn alone, each would wait for all callbacks of a busy process, and its answer for another turn.
 *
 * Who asks for one after another waits for nobody: what follows the answer to one that went alone goes at the end of
 * the callback in which that came.
 */
export class Gathering {
  private sentAtMs = -Infinity;
  private waiting = 0;
  private isDue = false;
  private wentAlone = false;

  /** @param send sends all that was added */
  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly send: (nowMs: number) => void,
  ) {}

  /** Something waits to be sent. */
  added(): void {
    this.waiting += 1;
    if (this.isDue) return;
    if (this.clock.now() - this.sentAtMs >= GATHER_MS) this.sendSoon();
    else if (this.waiting === 1) setImmediate(this.flush);
  }

  /** What was sent was answered, and its callers go on in this callback. @param of where it was sent from */
  answered(of: Gathering = this): void {
    if (of.wentAlone && this.waiting === 0 && !this.isDue) this.sendSoon();
  }

  private sendSoon(): void {
    this.isDue = true;
    process.nextTick(this.flush);
  }

  private readonly flush = () => {
    this.isDue = false;
    // it went already, since others came after a millisecond; or nothing followed an answer
    if (this.waiting === 0) return;
    this.wentAlone = this.waiting === 1;
    this.waiting = 0;
    this.sentAtMs = this.clock.now();
    this.send(this.sentAtMs);
  };
}
