import { type EntryArgs, type FillOutcome, StoreRefusal } from '../stores/remote-store.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';

/** A lease is kept alive in steps of this, so that the load of a dead process is taken over soon. */
const LEASE_STEP_MS = 2_000;

/** How long a lease's record outlives it: a slow load whose token nobody took may still fill. */
const LEASE_KEEP_MS = 30_000;

/** What a read asks for when it takes a lease. */
export function leaseTimes(leaseMs: number): { leaseMs: number; keepMs: number } {
  return { leaseMs: Math.min(leaseMs, LEASE_STEP_MS), keepMs: leaseMs + LEASE_KEEP_MS };
}

/** The right to load a key and to fill it, or the lack of it. */
export interface Lease {
  readonly isHeld: boolean;
  /** Keeps it alive, up to the region's `lease`, until the returned function is called. */
  startRenewing(): () => void;
  /** Null: unknown whether it was written. */
  fill(entry: EntryArgs): Promise<FillOutcome | null>;
  /** Gives it up without a value. */
  release(): void;
}

/** A load whose value is not written: a fence stands, Redis is away, the wait was over. */
export const NO_LEASE: Lease = {
  isHeld: false,
  startRenewing: () => () => {},
  fill: () => Promise.resolve(null),
  release() {},
};

/** A lease that Redis granted to this token. */
export class HeldLease implements Lease {
  readonly isHeld = true;

  constructor(
    private readonly parts: Pick<Engine, 'remote' | 'background' | 'clock'>,
    private readonly call: EntryCall,
    private readonly token: string,
  ) {}

  startRenewing(): () => void {
    const { remote, background, clock } = this.parts;
    const { key, region } = this.call;
    const { leaseMs, keepMs } = leaseTimes(region.options.leaseMs);
    const endAtMs = clock.now() + region.options.leaseMs;
    const renew = () => {
      // never beyond the lease's end, where others take over
      const stepMs = Math.min(leaseMs, endAtMs - clock.now());
      background.run(remote.renew({ key, token: this.token, leaseMs: stepMs, keepMs }));
      timer = clock.after(leaseMs / 3, renew);
    };
    let timer = clock.after(leaseMs / 3, renew);
    return () => timer.cancel();
  }

  async fill(entry: EntryArgs): Promise<FillOutcome | null> {
    const { key, region } = this.call;
    try {
      return await this.parts.remote.fill({ key, region: region.name, token: this.token, ...entry });
    } catch (error) {
      // it was not written, and nobody need wait for it
      if (error instanceof StoreRefusal) this.release();
      return null;
    }
  }

  release(): void {
    this.parts.background.run(this.parts.remote.release({ key: this.call.key, token: this.token }));
  }
}
