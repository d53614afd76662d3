import { keepShape } from '../shared/keep-shape.js';
import { type FillOutcome, StoreRefusal } from '../stores/remote-store.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import type { EntryToFill } from './prepared-value.js';

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
  /** How often it is to be renewed, ms. */
  readonly renewEveryMs: number;
  /** Keeps it alive for its step, `restMs` at most: beyond the region's `lease` others take over. */
  renew(restMs: number): void;
  /** Null: unknown whether it was written. */
  fill(entry: EntryToFill, loadMicros: number): Promise<FillOutcome | null>;
  /** Gives it up without a value. */
  release(): void;
}

/** A load whose value is not written: a fence stands, Redis is away, the wait was over. */
export const NO_LEASE: Lease = {
  isHeld: false,
  renewEveryMs: Infinity,
  renew() {},
  fill: () => Promise.resolve(null),
  release() {},
};

/** A lease that Redis granted to this token. */
export class HeldLease implements Lease {
  readonly isHeld = true;

  constructor(
    private readonly parts: Pick<Engine, 'remote' | 'background'>,
    private readonly call: EntryCall,
    private readonly token: string,
  ) {}

  get renewEveryMs(): number {
    return leaseTimes(this.call.region.options.leaseMs).leaseMs / 3;
  }

  renew(restMs: number): void {
    const { remote, background } = this.parts;
    const { key, region } = this.call;
    const { leaseMs, keepMs } = leaseTimes(region.options.leaseMs);
    background.run(remote.renew({ key, token: this.token, leaseMs: Math.min(leaseMs, restMs), keepMs }));
  }

  fill(entry: EntryToFill, loadMicros: number): Promise<FillOutcome | null> {
    const { key, region } = this.call;
    const { payload, format, ttlMs, staleMs, tags, version } = entry;
    // one by one: on the path of every miss, and to spread it is slow
    const args = {
      key,
      region: region.name,
      token: this.token,
      payload,
      format,
      ttlMs,
      staleMs,
      tags,
      loadMicros,
      version,
    };
    return this.parts.remote.fill(args).catch((error: unknown) => {
      // it was not written, and nobody need wait for it
      if (error instanceof StoreRefusal) this.release();
      return null;
    });
  }

  release(): void {
    this.parts.background.run(this.parts.remote.release({ key: this.call.key, token: this.token }));
  }
}

keepShape(new HeldLease(null!, null!, ''));
