import { AsyncLocalStorage } from 'node:async_hooks';

/** How reads go past the cache: `bypass` leaves it alone, `fresh` loads anew and writes what it loaded. */
export type CallMode = 'bypass' | 'fresh';

/**
 * Functions whose reads go past one cache, whoever calls them: for support and debugging.
 *
 * AsyncLocalStorage is made with the first of them and asked only while one runs; `onChange` tells when that begins and
 * ends, so that else no hit of L1 asks for it.
 */
export class CallModes {
  private storage: AsyncLocalStorage<CallMode> | null = null;
  private running = 0;

  /** Called when some function begins to run in a mode while none did, and when none does any more. */
  onChange: () => void = () => {};

  /** True while some function runs in a mode. */
  get isUsed(): boolean {
    return this.running > 0;
  }

  /** The mode of the caller; undefined: it has none. */
  current(): CallMode | undefined {
    return this.running === 0 ? undefined : this.storage!.getStore();
  }

  /** Runs it until its promise is settled; what it leaves behind unawaited may read as ever. */
  async run<T>(mode: CallMode, make: () => Promise<T> | T): Promise<T> {
    this.storage ??= new AsyncLocalStorage();
    this.running += 1;
    if (this.running === 1) this.onChange();
    try {
      return await this.storage.run(mode, make);
    } finally {
      this.running -= 1;
      if (this.running === 0) this.onChange();
    }
  }
}
