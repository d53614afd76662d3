import type { Faults } from './faults.js';

/** Work that no caller waits for: refreshes, releases, retries. Tests and shutdown wait for it. */
export class Background {
  private readonly running = new Set<Promise<unknown>>();

  constructor(private readonly faults: Faults) {}

  /** A Redis that is away ends such work, and nobody misses it. A fault of this library is told. */
  run(work: Promise<unknown>): void {
    const told = (error: unknown) => this.faults.cacheErrorOf('Work in the background', error);
    const guarded = work.catch(told).finally(() => this.running.delete(guarded));
    this.running.add(guarded);
  }

  /** Resolves when nothing runs any more, including what running work started. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  get size(): number {
    return this.running.size;
  }
}
