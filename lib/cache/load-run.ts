import { ownerOfRejection } from './cancellation.js';
import type { Engine } from './engine.js';
import type { ReadCall } from './entry-call.js';
import { type Flight, type Outcome, type Take, takeOf } from './flight.js';
import type { Lease } from './held-lease.js';
import type { LoadScope } from './load-scopes.js';
import { prepare } from './prepared-value.js';
import { isServableOnError, type Stale, staleOutcome } from './stale.js';
import type { Ticket } from './tickets.js';

/** A load that is to run. */
export interface Loading {
  readonly call: ReadCall;
  readonly flight: Flight;
  readonly ticket: Ticket;
  readonly lease: Lease;
  /** What may be served should the load fail. */
  readonly stale: Stale | null;
  /** What the caller who leads it is part of. */
  readonly within: LoadScope | undefined;
  /** True: its callers have their answer, and it runs in the background. */
  readonly isRefresh: boolean;
}

/**
 * Runs a loader once, and fills the cache with its result if the load holds a lease.
 *
 * The lease is renewed while the load runs, up to the region's `lease`; then others may take over: across processes because the
 * renewals stop, in this one because the flight is abandoned. The load itself goes on for its own caller.
 */
export class LoadRun {
  constructor(
    private readonly parts: Pick<
      Engine,
      'flights' | 'scopes' | 'coherence' | 'localTier' | 'clock' | 'random' | 'nextMoment'
    >,
  ) {}

  /** Never rejects. */
  async run(loading: Loading): Promise<Outcome> {
    const { nextMoment, clock } = this.parts;
    const scope = this.scopeOf(loading);
    const { call, lease, stale } = loading;
    const { counts } = call.region;
    const beganAt = nextMoment();
    const beganAtMs = clock.now();
    counts.loads += 1;
    let value: unknown;
    try {
      value = await this.load(loading, scope);
    } catch (error) {
      counts.loadFailures += 1;
      lease.release();
      if (stale && isServableOnError(stale, call.policy)) return staleOutcome(stale);
      return { kind: 'failed', error, owner: ownerOfRejection(error, call.args) };
    }
    const loadMicros = Math.round((clock.now() - beganAtMs) * 1_000);
    return this.fill(loading, scope, value, beganAt, loadMicros);
  }

  private scopeOf({ call, flight, lease, within }: Loading): LoadScope {
    const { clock, coherence } = this.parts;
    const held = lease.isHeld ? coherence.view(call.key.bucket) : null;
    const takesLoadsOnly = within?.takesLoadsOnly ?? false;
    return { isTainted: false, beganAtMs: clock.now(), held, flight, takesLoadsOnly, within };
  }

  private async load({ call, flight, lease, isRefresh }: Loading, scope: LoadScope): Promise<unknown> {
    const { flights, scopes, clock } = this.parts;
    const { region, key } = call;
    const abort = new AbortController();
    const stopRenewing = lease.startRenewing();
    const end = clock.after(region.options.leaseMs, () => {
      stopRenewing();
      flights.abandon(flight);
      abort.abort();
    });
    try {
      return await scopes.run(scope, async () =>
        call.load({ signal: abort.signal, region: region.name, key: key.entry, isRefresh }),
      );
    } finally {
      scopes.ended(scope);
      end.cancel();
      stopRenewing();
    }
  }

  /** The value as a hit would return it, written to the cache where it may be. */
  private async fill(
    { call, ticket, lease }: Loading,
    scope: LoadScope,
    raw: unknown,
    beganAt: number,
    loadMicros: number,
  ): Promise<Outcome> {
    const { localTier, clock, random, nextMoment } = this.parts;
    const { counts } = call.region;
    let { isTainted } = scope;
    const loaded = (take: Take, at = beganAt, freshUntilMs: number | null = null): Outcome => {
      return { kind: 'value', at, source: 'load', take, freshUntilMs, isTainted };
    };
    const prepared = prepare(call, raw, random);
    if (prepared === null || prepared.entry === null || !lease.isHeld || isTainted) {
      lease.release();
      return loaded(prepared ? takeOf(prepared.decoded) : () => raw);
    }
    const { decoded, encoded, entry } = prepared;
    const take = takeOf(decoded);
    const sentAt = nextMoment();
    const sentAtMs = clock.now();
    const outcome = await lease.fill({ ...entry, loadMicros });
    // unknown whether it was written: the value is good for this load's callers, and never for L1
    if (outcome === null) return loaded(take);
    if (outcome.kind === 'refused') {
      counts.fillsRefused += 1;
      isTainted = true;
      return loaded(take);
    }
    counts.fills += 1;
    const { stamp } = outcome;
    const freshUntilMs = sentAtMs + entry.ttlMs;
    localTier?.keep(call, ticket, outcome, decoded, { stamp, tags: entry.tags, freshUntilMs, bytes: encoded.bytes });
    return loaded(take, sentAt, freshUntilMs);
  }
}
