import type { Clock, Timer } from '../shared/clock.js';
import type { LoggerPort } from '../shared/logger.js';

/**
 * How long every bucket must have answered before the outage counts as over: a server that falters is one outage, not
 * many.
 */
const QUIET_MS = 1_000;

/** An outage that lasts this long is told once more: it may be a setting that no time mends. */
const LONG_MS = 60_000;

/**
 * Tells an operator once that Redis went away, once more when it says why later or stays away, and once that it is
 * back, however many buckets are polled meanwhile. It is back when every bucket's poll was accepted, and a poll is a
 * function that may write: a server that merely answers is none that caches.
 */
export class Outage {
  private readonly failing = new Map<number, unknown>();
  private sinceMs: number | null = null;
  /** Nobody has said yet why it does not answer. */
  private isGuess = false;
  /** When the last bucket that failed answered again. */
  private endedAtMs = 0;
  private reminder: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
    private readonly bucketCount: number,
  ) {}

  /** Until every bucket has answered for a while. */
  get isOn(): boolean {
    return this.sinceMs !== null;
  }

  /** The bucket's last poll was not answered. */
  isOf(bucket: number): boolean {
    return this.failing.has(bucket);
  }

  failed(bucket: number, error: unknown): void {
    this.failing.set(bucket, error);
    if (this.sinceMs !== null) return this.explain(error);
    this.sinceMs = this.clock.now();
    this.isGuess = isGuess(error);
    this.logger.warn(`Redis does not answer: ${reasonOf(error)}. Calls load until it does.`);
    this.reminder = this.clock.after(LONG_MS, () => this.remind());
  }

  answered(bucket: number): void {
    if (this.sinceMs === null) return;
    const nowMs = this.clock.now();
    if (this.failing.delete(bucket)) this.endedAtMs = nowMs;
    if (this.failing.size > 0 || nowMs - this.endedAtMs < QUIET_MS) return;
    const seconds = ((this.endedAtMs - this.sinceMs) / 1_000).toFixed(1);
    this.close();
    this.sinceMs = null;
    this.logger.log(`Redis answers again, after ${seconds} s.`);
  }

  close(): void {
    this.reminder?.cancel();
  }

  /** Who was told of a server that hangs would look for the fault in the wrong place. */
  private explain(error: unknown): void {
    if (!this.isGuess || isGuess(error)) return;
    this.isGuess = false;
    this.logger.warn(`Redis does not answer, as is known now: ${reasonOf(error)}.`);
  }

  private remind(): void {
    const [last] = [...this.failing.values()].reverse();
    // it answers by now
    if (last === undefined || this.sinceMs === null) return;
    const since = new Date(Date.now() - (this.clock.now() - this.sinceMs)).toISOString();
    const what = this.bucketCount === 1 ? 'Nothing' : 'Where Redis fails, nothing';
    this.logger.error(`${what} could be cached since ${since}, because ${reasonOf(last)}.`);
  }
}

/** The store put a frame around what it only guesses. */
const isGuess = (error: unknown) => (error as { cause?: { isGuess?: boolean } }).cause?.isGuess === true;

/** What the connection said, without the frame that the store put around it, and without a full stop. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { message?: string } };
  return (cause?.message ?? message).replace(/\.$/, '');
}
