import type { Clock } from '../shared/clock.js';

interface Pause {
  untilMs: number;
  lengthMs: number;
}

/** Keys remembered; the one that failed longest ago goes first. */
const MAX_KEYS = 10_000;
/** How long a pause becomes at most, where the first is shorter. */
const LONGEST_PAUSE_MS = 30_000;

/**
 * Keys whose source is out of order: until when a stale value is served for them without another try. A pause doubles
 * with each failure in a row, and ends with the first load that returns. Of this process: each instance tries for
 * itself.
 */
export class BackOff {
  private readonly pauses = new Map<string, Pause>();

  constructor(private readonly clock: Clock) {}

  isOn(entry: string): boolean {
    if (this.pauses.size === 0) return false;
    const pause = this.pauses.get(entry);
    return pause !== undefined && this.clock.now() < pause.untilMs;
  }

  failed(entry: string, firstMs: number): void {
    if (firstMs <= 0) return this.succeeded(entry);
    const lastMs = this.pauses.get(entry)?.lengthMs ?? 0;
    const lengthMs = Math.max(firstMs, Math.min(lastMs * 2, LONGEST_PAUSE_MS));
    this.put(entry, { untilMs: this.clock.now() + lengthMs, lengthMs });
  }

  /** A load takes longer than it may; until it ends nobody need wait for it. */
  isLate(entry: string): void {
    this.put(entry, { untilMs: Infinity, lengthMs: this.pauses.get(entry)?.lengthMs ?? 0 });
  }

  /** That load has ended, whatever it came to. */
  isLateNoMore(entry: string): void {
    if (this.pauses.get(entry)?.untilMs === Infinity) this.pauses.delete(entry);
  }

  succeeded(entry: string): void {
    if (this.pauses.size > 0) this.pauses.delete(entry);
  }

  get size(): number {
    return this.pauses.size;
  }

  private put(entry: string, pause: Pause): void {
    this.pauses.delete(entry);
    this.pauses.set(entry, pause);
    if (this.pauses.size <= MAX_KEYS) return;
    const [oldest] = this.pauses.keys();
    this.pauses.delete(oldest!);
  }
}
