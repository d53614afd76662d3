import type { Clock, Timer } from '../../lib/shared/clock.js';

interface PendingTimer extends Timer {
  readonly dueMs: number;
  readonly action: () => void;
}

/** A clock that the test moves. Timers of one moment fire in the order in which they were set. */
export class FakeClock implements Clock {
  private readonly pending: PendingTimer[] = [];

  constructor(private nowMs = 1_000_000) {}

  now(): number {
    return this.nowMs;
  }

  /** The same moment as µs since the epoch: for the server clock of the embedded store. */
  readonly nowMicros = (): number => Math.floor(this.nowMs * 1_000);

  after(delayMs: number, action: () => void): Timer {
    const timer: PendingTimer = {
      dueMs: this.nowMs + Math.max(0, delayMs),
      action,
      cancel: () => {
        const index = this.pending.indexOf(timer);
        if (index >= 0) this.pending.splice(index, 1);
      },
    };
    const later = this.pending.findIndex((other) => other.dueMs > timer.dueMs);
    this.pending.splice(later < 0 ? this.pending.length : later, 0, timer);
    return timer;
  }

  /** Timers that were set and have neither fired nor been cancelled. */
  get pendingTimers(): number {
    return this.pending.length;
  }

  /**
   * Lets `ms` pass: fires each timer at its own moment, also those that others set meanwhile, and after each lets all
   * promises that are ready run. `advance(0)` fires what is due now.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settle();
    while (this.pending.length > 0 && this.pending[0]!.dueMs <= untilMs) {
      const timer = this.pending.shift()!;
      this.nowMs = Math.max(this.nowMs, timer.dueMs);
      timer.action();
      await settle();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** A step forward that no timer notices yet, as when the process was frozen: timers fire at the next `advance`. */
  jump(ms: number): void {
    this.nowMs += ms;
  }
}

/** Resolves when every promise that could go on has gone on; no timer fires. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A promise that the test settles by hand, so that no test waits for real time. */
export interface Gate<T> {
  readonly promise: Promise<T>;
  open(value: T): void;
  fail(error: unknown): void;
}

export function gate<T = void>(): Gate<T> {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}
