import type { Clock, Timer } from '../shared/clock.js';

/** The right to load. */
export interface Slot {
  /** Hands it on. A second time does nothing. */
  leave(): void;
}

/** Of a load that takes up no place of its own. */
export const NO_PLACE: Slot = { leave() {} };

interface Waiting {
  readonly admit: (slot: Slot | null) => void;
}

/** A hint is no promise: not so short that everybody comes back at once, not so long that nobody does. */
const LEAST_HINT_MS = 100;
const MOST_HINT_MS = 30_000;
/** Where no load has ended yet. */
const FIRST_HINT_MS = 1_000;
/** Into so many a wait is divided. */
const TICKS = 10;
/** Share of the latest load in the mean. */
const LATEST = 0.2;

/**
 * Bounds how many loads of a region run at once in this process, and how many wait for their turn, first come, first
 * served. So an outage of Redis, or a cold start, is no outage of the source.
 */
export class Bulkhead {
  private running = 0;
  private readonly queue = new Set<Waiting>();
  private meanMs: number | null = null;

  constructor(
    private readonly limits: { readonly running: number; readonly queued: number },
    private readonly clock: Clock,
  ) {}

  /** Null: it is full. */
  tryEnter(): Slot | null {
    return this.running < this.limits.running ? this.occupy() : null;
  }

  /**
   * Waits in line no longer than `maxMs`. Null: the line is full, or the time was over. Time in which this process
   * stood still counts for a tenth at most: the loads before it stood still as well.
   *
   * @param needless resolves when no place is needed any more: the line is left then, with NO_PLACE
   */
  enter(maxMs: number, needless?: Promise<void>): Promise<Slot | null> {
    const slot = this.tryEnter();
    if (slot !== null || this.queue.size >= this.limits.queued) return Promise.resolve(slot);
    return new Promise((resolve) => {
      let timer: Timer;
      let ticksLeft = TICKS;
      const tick = () => {
        ticksLeft -= 1;
        if (ticksLeft < 0) waiting.admit(null);
        else timer = this.clock.after(maxMs / TICKS, tick);
      };
      const waiting: Waiting = {
        admit: (admitted) => {
          timer.cancel();
          this.queue.delete(waiting);
          resolve(admitted);
        },
      };
      tick();
      this.queue.add(waiting);
      void needless?.then(() => waiting.admit(NO_PLACE));
    });
  }

  /** In how many ms a caller who is refused now has a chance, as far as loads go on as they did. */
  get retryAfterMs(): number {
    if (this.meanMs === null) return FIRST_HINT_MS;
    const turns = (this.queue.size + 1) / this.limits.running;
    return Math.round(Math.min(Math.max(this.meanMs * turns, LEAST_HINT_MS), MOST_HINT_MS));
  }

  /** Loads that run, and those that wait. */
  get size(): number {
    return this.running + this.queue.size;
  }

  private occupy(): Slot {
    this.running += 1;
    const sinceMs = this.clock.now();
    let isLeft = false;
    return {
      leave: () => {
        if (isLeft) return;
        isLeft = true;
        this.left(this.clock.now() - sinceMs);
      },
    };
  }

  private left(tookMs: number): void {
    this.meanMs = this.meanMs === null ? tookMs : this.meanMs * (1 - LATEST) + tookMs * LATEST;
    this.running -= 1;
    const [next] = this.queue;
    if (next) next.admit(this.occupy());
  }
}
