import type { Timer } from '../shared/clock.js';
import { type Duration, toMilliseconds } from '../options/duration.js';

interface PendingTimer {
  readonly dueMs: number;
  readonly action: () => void;
}

// those of the process, whatever fake timers a test installs later
const { setImmediate } = globalThis;

/**
 * The time of a cache under test: it stands still until the test moves it, and is apart from fake timers of Jest and
 * Vitest.
 *
 * @publicApi
 */
export class TestClock {
  private nowMs = performance.timeOrigin + performance.now();
  private readonly timers = new Set<PendingTimer>();
  private isReleased = false;

  /** Milliseconds since the epoch when it was made, and what it was advanced since. */
  now(): number {
    return this.nowMs;
  }

  /**
   * Lets time pass: timers of the cache fire at their moments, such as the end of a lease, and what follows from them
   * happens.
   *
   * @throws CacheError RC_INVALID_OPTION when it is no duration
   */
  async advance(duration: Duration): Promise<void> {
    const untilMs = this.nowMs + toMilliseconds('advance', duration);
    await settled();
    for (let next; (next = this.next(untilMs)) !== null;) {
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      this.timers.delete(next);
      next.action();
      await settled();
    }
    this.nowMs = untilMs;
  }

  /** @internal As `Clock` has it, which declarations without this member could not say that they implement. */
  after(delayMs: number, action: () => void): Timer {
    const timer: PendingTimer = { dueMs: this.nowMs + Math.max(0, delayMs), action };
    this.timers.add(timer);
    if (this.isReleased) this.fireSoon();
    return { cancel: () => void this.timers.delete(timer) };
  }

  /**
   * From now on time jumps to the next timer whenever the process has nothing else to do: nobody moves it while the
   * application closes.
   *
   * @internal
   */
  release(): void {
    this.isReleased = true;
    this.fireSoon();
  }

  private fireSoon(): void {
    setImmediate(() => {
      const timer = this.next(Infinity);
      if (timer === null) return;
      this.timers.delete(timer);
      this.nowMs = Math.max(this.nowMs, timer.dueMs);
      timer.action();
      this.fireSoon();
    });
  }

  /** The first timer that is due by then; of two at one moment the one that was set first. */
  private next(untilMs: number): PendingTimer | null {
    let first: PendingTimer | null = null;
    for (const timer of this.timers) if (timer.dueMs <= untilMs && (!first || timer.dueMs < first.dueMs)) first = timer;
    return first;
  }
}

/** Resolves when every promise that could go on has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
