import type { Timer } from '../shared/clock.js';
import { promised } from '../shared/promised.js';
import type { Slot } from './bulkhead.js';
import { ownerOfRejection } from './cancellation.js';
import type { Engine } from './engine.js';
import type { ReadCall } from './entry-call.js';
import { type Flight, type Outcome, type Take, takeOf } from './flight.js';
import type { Lease } from './held-lease.js';
import { TermContext } from './load-context.js';
import { loadTimedOut } from './load-refusal.js';
import type { LoadScope } from './load-scopes.js';
import { LoadTerm } from './load-term.js';
import { type EntryToFill, prepare, type PreparedValue } from './prepared-value.js';
import { isOutOfOrder } from './source-failure.js';
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
  /** As that of a {@link ToLoad}. */
  readonly askedAt: number | null;
  /** What the caller who leads it is part of. */
  readonly within: LoadScope | undefined;
  /** True: its callers have their answer, and it runs in the background. */
  readonly isRefresh: boolean;
  /** Usual reads may be answered by what it is to replace. */
  readonly isBesideValue: boolean;
  /** Its place in the region's bulkhead; null: there is none, or one that has a place waits for this load. */
  readonly slot: Slot | null;
}

/**
 * Runs a loader once, and fills the cache with its result if the load holds a lease.
 *
 * The lease is renewed while the load runs, up to the region's `lease`; then others may take over: across processes
 * because the renewals stop, in this one because the flight is abandoned. The load itself goes on for its own caller.
 *
 * A load that takes longer than `timeout.soft` goes on in the background where a stale value can be served; one that
 * takes longer than `timeout.hard` is given up.
 */
export class LoadRun {
  constructor(
    private readonly parts: Pick<
      Engine,
      | 'flights'
      | 'scopes'
      | 'coherence'
      | 'localTier'
      | 'tickets'
      | 'background'
      | 'running'
      | 'backOff'
      | 'clock'
      | 'random'
      | 'nextMoment'
      | 'compression'
    >,
  ) {}

  /** Never rejects. */
  run(loading: Loading): Promise<Outcome> {
    const { call, stale, isRefresh } = loading;
    const { softTimeoutMs } = call.policy;
    if (softTimeoutMs === Infinity || isRefresh || !stale || !isServableOnError(stale, call.policy)) {
      return this.runToEnd(loading);
    }
    // those who are served the stale value must not be taken for a part of the load that goes on
    this.parts.scopes.track();
    return this.orStale(loading, stale);
  }

  /** The load's outcome, or the stale value where that takes too long. */
  private async orStale(loading: Loading, stale: Stale): Promise<Outcome> {
    const { clock, background, backOff, tickets } = this.parts;
    const { policy, key } = loading.call;
    // that of the flight ends with the flight, and the load may outlive it
    const ticket = tickets.take(key.entry, loading.ticket.epoch);
    const running = this.runToEnd({ ...loading, ticket }).finally(() => tickets.giveBack(ticket));
    let timer: Timer | undefined;
    const late = new Promise<null>((resolve) => {
      timer = clock.after(policy.softTimeoutMs, () => resolve(null));
    });
    const outcome = await Promise.race([running, late]);
    timer?.cancel();
    if (outcome !== null) return outcome;
    backOff.isLate(key.entry);
    background.run(running.finally(() => backOff.isLateNoMore(key.entry)));
    return staleOutcome(stale);
  }

  /** On the path of every miss: without an async function, and with a promise for what is waited for. */
  private runToEnd(loading: Loading): Promise<Outcome> {
    const { nextMoment, clock, backOff } = this.parts;
    const { call, slot } = loading;
    const beganAtMs = clock.now();
    const scope = this.scopeOf(loading, beganAtMs);
    // what L1 gives to it may be as old as the answer that let it begin
    const at = loading.askedAt ?? nextMoment();
    call.region.counts.loads += 1;
    return this.load(
      loading,
      scope,
      beganAtMs,
      (value) => {
        slot?.leave();
        backOff.succeeded(call.key.entry);
        return this.loaded(loading, scope, value, at, beganAtMs);
      },
      (error) => {
        try {
          return this.failed(loading, error);
        } finally {
          slot?.leave();
        }
      },
    );
  }

  private failed({ call, lease, stale }: Loading, error: unknown): Outcome {
    const { backOff } = this.parts;
    const { entry } = call.key;
    call.region.counts.loadFailures += 1;
    lease.release();
    const owner = ownerOfRejection(error, call.args);
    // a caller who gave up says nothing about the source
    if (owner !== 'callers') {
      const isOut = isOutOfOrder(error, call);
      if (!isOut) backOff.succeeded(entry);
      else if (stale) backOff.failed(entry, call.policy.errorBackOffMs);
      if (isOut && stale && isServableOnError(stale, call.policy)) return staleOutcome(stale);
    }
    return { kind: 'failed', error, owner };
  }

  private scopeOf({ call, flight, lease, within }: Loading, beganAtMs: number): LoadScope {
    const held = lease.isHeld ? this.parts.coherence.view(call.key.bucket) : null;
    const takesLoadsOnly = within?.takesLoadsOnly ?? false;
    return { isTainted: false, beganAtMs, held, flight, takesLoadsOnly, within, hasEnded: false, begun: 0, place: -1 };
  }

  /**
   * Counts loads during which L1 may have what they are to replace. What other loads and puts leave there after a usual
   * load began has cost that its lease, so nothing made of it is written: such a load needs no count.
   *
   * @param loaded gets what the loader made
   * @param failed gets what it threw; CacheError RC_LOAD_TIMEOUT
   */
  private load<T>(
    loading: Loading,
    scope: LoadScope,
    nowMs: number,
    loaded: (value: unknown) => T | Promise<T>,
    failed: (error: unknown) => T,
  ): Promise<T> {
    const { scopes, running } = this.parts;
    const { call, lease, isRefresh } = loading;
    const { region, key, policy } = call;
    const isBesideValue = loading.isBesideValue || this.isInLocalTier(call);
    if (isBesideValue) region.loadsBesideValue += 1;
    const term = new LoadTerm(lease, region.options.leaseMs, nowMs, () => this.outlived(loading));
    const context = new TermContext(term, region.name, key.entry, isRefresh);
    running.begin(term, nowMs);
    const made = scopes.run(scope, () => promised(() => call.load(context)));
    const ended = () => {
      running.end(term);
      scopes.ended(scope);
      if (isBesideValue) region.loadsBesideValue -= 1;
    };
    return (policy.hardTimeoutMs === Infinity ? made : this.inTime(call, made, term)).then(
      (value) => {
        ended();
        return loaded(value);
      },
      (error: unknown) => {
        ended();
        return failed(error);
      },
    );
  }

  /** The lease is over: others take the key over, and nobody waits for it any longer than for one that failed. */
  private outlived({ call: { key, policy }, flight, slot }: Loading): void {
    const { flights, backOff } = this.parts;
    flights.abandon(flight);
    if (backOff.isOn(key.entry)) backOff.failed(key.entry, policy.errorBackOffMs);
    slot?.leave();
  }

  /** @throws CacheError RC_LOAD_TIMEOUT */
  private async inTime(call: ReadCall, made: Promise<unknown>, term: LoadTerm): Promise<unknown> {
    let timer: Timer | undefined;
    const givenUp = new Promise<never>((_, reject) => {
      timer = this.parts.clock.after(call.policy.hardTimeoutMs, () => {
        const error = loadTimedOut(call);
        call.region.counts.loadTimeouts += 1;
        reject(error);
        term.abort(error);
      });
    });
    try {
      return await Promise.race([made, givenUp]);
    } finally {
      timer?.cancel();
    }
  }

  /** Also where it was no answer: of another shape, or not proven yet. */
  private isInLocalTier({ key }: ReadCall): boolean {
    const held = this.parts.localTier?.peek(key);
    return held !== undefined && held.freshUntilMs > this.parts.clock.now();
  }

  /** The value as a hit would return it, written to the cache where it may be. */
  private loaded(
    loading: Loading,
    { isTainted }: LoadScope,
    raw: unknown,
    askedAt: number,
    beganAtMs: number,
  ): Outcome | Promise<Outcome> {
    const { clock, random, compression } = this.parts;
    const { call, lease } = loading;
    const loadMicros = Math.round((clock.now() - beganAtMs) * 1_000);
    const isWritten = lease.isHeld && !isTainted;
    const preparing = prepare(call, raw, { random, compression: isWritten ? compression : null });
    const prepared = (one: PreparedValue | null): Outcome | Promise<Outcome> => {
      if (one !== null && one.entry !== null && isWritten)
        return this.fill(loading, one, one.entry, loadMicros, askedAt);
      lease.release();
      return loadedAt(askedAt, one ? takeOf(one.decoded) : () => raw, null, isTainted);
    };
    return preparing instanceof Promise ? preparing.then(prepared) : prepared(preparing);
  }

  private fill(
    { call, ticket, lease }: Loading,
    { decoded, bytes }: PreparedValue,
    entry: EntryToFill,
    loadMicros: number,
    askedAt: number,
  ): Promise<Outcome> {
    const { localTier, clock, nextMoment } = this.parts;
    const { counts } = call.region;
    const take = takeOf(decoded);
    const sentAt = nextMoment();
    const sentAtMs = clock.now();
    return lease.fill(entry, loadMicros).then((outcome) => {
      // unknown whether it was written: the value is good for this load's callers, and never for L1
      if (outcome === null) return loadedAt(askedAt, take, null, false);
      if (outcome.kind === 'refused') {
        counts.fillsRefused += 1;
        return loadedAt(askedAt, take, null, true);
      }
      counts.fills += 1;
      const freshUntilMs = sentAtMs + entry.ttlMs;
      localTier?.keep(call, ticket, outcome, decoded, {
        stamp: outcome.stamp,
        tags: entry.tags,
        freshUntilMs,
        // reads under way may have been answered before it
        at: nextMoment(),
        bytes,
        freshUntilMicros: outcome.nowMicros + entry.ttlMs * 1_000,
        loadMicros,
      });
      return loadedAt(sentAt, take, freshUntilMs, false);
    });
  }
}

function loadedAt(at: number, take: Take, freshUntilMs: number | null, isTainted: boolean): Outcome {
  return { kind: 'value', at, source: 'load', take, freshUntilMs, isTainted };
}
