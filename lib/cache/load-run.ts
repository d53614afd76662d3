import type { FillOutcome } from '../stores/remote-store.js';
import type { Engine, ReadCall } from './engine.js';
import { type Flight, type Outcome, type Take, takeOf } from './flights.js';
import { prepare } from './prepared-value.js';
import { isServableOnError, type Stale } from './stale.js';
import type { Ticket } from './tickets.js';

/** A lease is kept alive in steps of this, so that the load of a dead process is taken over soon. */
const LEASE_STEP_MS = 2_000;

/** How long a lease's record outlives it: a slow load whose token nobody took may still fill. */
const LEASE_KEEP_MS = 30_000;

/** What a read asks for when it takes a lease. */
export function leaseTimes(leaseMs: number): { leaseMs: number; keepMs: number } {
  return { leaseMs: Math.min(leaseMs, LEASE_STEP_MS), keepMs: leaseMs + LEASE_KEEP_MS };
}

/**
 * Runs the loader once, and fills the cache with its result if the load holds a lease.
 *
 * The lease is renewed while the load runs, up to the region's `lease`; then others may take over: across processes because the
 * renewals stop, in this one because the flight is abandoned. The load itself goes on for its own caller.
 */
export class LoadRun {
  constructor(
    private readonly engine: Engine,
    private readonly call: ReadCall,
    private readonly flight: Flight,
    private readonly ticket: Ticket,
    /** Null: the value is not written (a fence stands, Redis is away, the wait was over). */
    private readonly lease: string | null,
    private readonly stale: Stale | null,
  ) {}

  /** Never rejects. */
  async run(): Promise<Outcome> {
    const { engine, call } = this;
    const { counts } = call.region;
    const beganAt = engine.nextMoment();
    const beganAtMs = engine.clock.now();
    counts.loads += 1;
    let value: unknown;
    try {
      value = await this.load();
    } catch (error) {
      counts.loadFailures += 1;
      this.release();
      if (this.stale && isServableOnError(this.stale, call.policy)) {
        return { kind: 'value', at: this.stale.at, source: 'stale', take: this.stale.take };
      }
      return { kind: 'failed', error };
    }
    const loadMicros = Math.round((engine.clock.now() - beganAtMs) * 1_000);
    return this.keep(value, beganAt, loadMicros);
  }

  private async load(): Promise<unknown> {
    const { engine, call, flight } = this;
    const { entry } = call.key;
    const abort = new AbortController();
    const { leaseMs, keepMs } = leaseTimes(call.region.options.leaseMs);
    const end = engine.clock.after(call.region.options.leaseMs, () => {
      renewal?.cancel();
      engine.flights.abandon(flight);
      abort.abort();
    });
    const endAtMs = engine.clock.now() + call.region.options.leaseMs;
    const renew = () => {
      // never beyond the lease's end, where others take over
      const stepMs = Math.min(leaseMs, endAtMs - engine.clock.now());
      engine.background.run(engine.remote.renew({ key: call.key, token: this.lease!, leaseMs: stepMs, keepMs }));
      renewal = engine.clock.after(leaseMs / 3, renew);
    };
    let renewal = this.lease === null ? null : engine.clock.after(leaseMs / 3, renew);
    try {
      return await engine.flights.run(flight, async () =>
        call.load({ signal: abort.signal, region: call.region.name, key: entry }),
      );
    } finally {
      end.cancel();
      renewal?.cancel();
    }
  }

  /** The value as a hit would return it, written to the cache where it may be. */
  private async keep(raw: unknown, beganAt: number, loadMicros: number): Promise<Outcome> {
    const { engine, call, lease } = this;
    const { policy, region, key } = call;
    const loaded = (take: Take, at = beganAt): Outcome => ({ kind: 'value', at, source: 'load', take });
    const prepared = prepare(call, raw, engine.random);
    if (prepared === null || prepared.entry === null || lease === null) {
      this.release();
      return loaded(prepared ? takeOf(prepared.decoded) : () => raw);
    }
    const { decoded, encoded, entry } = prepared;
    const take = takeOf(decoded);
    const sentAt = engine.nextMoment();
    const sentAtMs = engine.clock.now();
    let outcome: FillOutcome;
    try {
      outcome = await engine.remote.fill({ key, region: region.name, token: lease, ...entry, loadMicros });
    } catch {
      // unknown whether it was written: the value is good for this load's callers, and never for L1
      return loaded(take);
    }
    if (outcome.kind === 'refused') {
      region.counts.fillsRefused += 1;
      return loaded(take);
    }
    region.counts.fills += 1;
    if (region.options.l1) {
      engine.localTier?.keep(key, this.ticket, outcome, {
        value: decoded.isShared ? decoded.value : undefined,
        revive: decoded.isShared ? null : decoded.fresh,
        shape: policy.shape,
        region: region.name,
        stamp: outcome.stamp,
        tags: entry.tags,
        freshUntilMs: sentAtMs + entry.ttlMs,
        bytes: encoded.bytes,
      });
    }
    return loaded(take, sentAt);
  }

  private release(): void {
    const { engine, call, lease } = this;
    if (lease !== null) engine.background.run(engine.remote.release({ key: call.key, token: lease }));
  }
}
