import type { Clock } from '../shared/clock.js';

/** Loads of other instances that are waited for: a message wakes them, else their time. */
export class Waiters {
  private readonly byEntry = new Map<string, Set<() => void>>();

  constructor(private readonly clock: Clock) {}

  /** Resolves when `entry` is woken, or after `maxMs`. */
  wait(entry: string, maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        const waiting = this.byEntry.get(entry);
        waiting?.delete(wake);
        if (waiting?.size === 0) this.byEntry.delete(entry);
        resolve();
      };
      const timer = this.clock.after(maxMs, wake);
      const waiting = this.byEntry.get(entry);
      if (waiting) waiting.add(wake);
      else this.byEntry.set(entry, new Set([wake]));
    });
  }

  wake(entry: string): void {
    for (const wake of [...(this.byEntry.get(entry) ?? [])]) wake();
  }

  wakeAll(): void {
    for (const entry of [...this.byEntry.keys()]) this.wake(entry);
  }

  get size(): number {
    return this.byEntry.size;
  }
}
