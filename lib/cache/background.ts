/** Work that no caller waits for: refreshes, releases, retries. Tests and shutdown wait for it. */
export class Background {
  private readonly running = new Set<Promise<unknown>>();

  /** @param onError gets a failure; it must not throw */
  run(work: Promise<unknown>, onError: (error: unknown) => void = () => {}): void {
    const guarded = work.catch(onError).finally(() => this.running.delete(guarded));
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
