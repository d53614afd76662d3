import { apart } from '../shared/apart.js';
import { Bag, type Baggable } from '../shared/bag.js';
import type { Clock, Timer } from '../shared/clock.js';

/** A load that runs, and wants to be called at its time. */
export interface RunningLoad extends Baggable {
  /** Local ms. */
  readonly dueMs: number;
  /** Its time has come: sets the next. */
  due(nowMs: number): void;
}

/**
 * Between two looks at all of them, ms. A timer does not count time in which the machine stands still, as the clock
 * does: one that was set for a later load may have a long way to go when the next load needs it.
 */
const LEAST_STEP_MS = 5;
const MOST_STEP_MS = 600;
/** Timers fire early by less than this, ms. */
export const EARLY_MS = 1;

/** The loads of a process on one timer: most have ended before their time comes, and never cost one. */
export class RunningLoads {
  private readonly running = new Bag<RunningLoad>();
  private timer: Timer | null = null;
  private armedForMs = Infinity;
  private isClosed = false;

  constructor(private readonly clock: Clock) {}

  begin(load: RunningLoad, nowMs: number): void {
    this.running.add(load);
    if (load.dueMs < this.armedForMs) this.arm(load.dueMs, nowMs);
  }

  end(load: RunningLoad): void {
    this.running.delete(load);
    if (this.isClosed) this.letGo();
  }

  /** From now on no timer is left behind the last load. */
  close(): void {
    this.isClosed = true;
    this.letGo();
  }

  private letGo(): void {
    if (this.running.size > 0) return;
    this.timer?.cancel();
    this.timer = null;
    this.armedForMs = Infinity;
  }

  private arm(dueMs: number, nowMs: number): void {
    this.timer?.cancel();
    const stepMs = Math.min(dueMs - nowMs, MOST_STEP_MS);
    this.armedForMs = nowMs + stepMs;
    this.timer = apart(() => this.clock.after(stepMs, this.tick));
  }

  private readonly tick = () => {
    this.timer = null;
    this.armedForMs = Infinity;
    const nowMs = this.clock.now();
    let nextMs = Infinity;
    for (const load of this.running.all()) {
      // those before it may have ended it
      if (!this.running.has(load)) continue;
      if (load.dueMs <= nowMs + EARLY_MS) load.due(nowMs);
      nextMs = Math.min(nextMs, load.dueMs);
    }
    // what is called may have armed it, or have ended its load
    nextMs = Math.max(nextMs, nowMs + LEAST_STEP_MS);
    if (this.running.size > 0 && nextMs < this.armedForMs) this.arm(nextMs, nowMs);
  };
}
