import { CacheError } from '../shared/errors.js';
import { promised } from '../shared/promised.js';
import type { CallMode } from './call-modes.js';
import type { Engine } from './engine.js';
import type { EntryCall, ReadCall } from './entry-call.js';
import { Flight, type Outcome, type Source } from './flight.js';
import type { LoadScope } from './load-scopes.js';
import type { LoadTurns } from './load-turns.js';
import { type Found, type Hit, JUST_LOAD, outcomeOf, type ToLoad, type Verdict } from './found.js';
import type { Lookup } from './lookup.js';
import type { Follower } from './plain-look.js';
import { type BypassReason, tell } from './read-report.js';
import type { Refreshes } from './refreshes.js';
import { isServableWhileRevalidating, staleOutcome } from './stale.js';
import type { LooseTicket, Ticket } from './tickets.js';

type ReaderParts = Pick<
  Engine,
  'flights' | 'scopes' | 'modes' | 'tickets' | 'coherence' | 'journal' | 'faults' | 'clock' | 'nextMoment'
> & { readonly lookup: Lookup; readonly turns: LoadTurns; readonly refreshes: Refreshes };

/** Of which load the caller is part, as far as that is known, and how many had begun when the call came. */
interface Caller {
  readonly scope: LoadScope | undefined;
  readonly moment: number;
  /** Undefined: none. */
  readonly mode: CallMode | undefined;
}

/**
 * Reads of different ways share no flight: through the cache, past it, or with a load that begins after the call, which
 * the cache gets.
 */
type Way = 'usual' | 'past' | 'fresh';

/** A read that L2 did not answer. */
interface Missed {
  readonly call: ReadCall;
  readonly flight: Flight;
  readonly ticket: Ticket;
  readonly found: ToLoad;
  readonly caller: Caller;
}

/**
 * A read behind L1: joins a flight, or leads one: a look at L2, then the load (PROTOCOL 6).
 *
 * "A broken cache is a miss" is said here: where L2 rejects, the loader answers.
 */
export class Reader {
  constructor(private readonly parts: ReaderParts) {}

  read(call: ReadCall): Promise<unknown> {
    const { flights, nextMoment } = this.parts;
    const caller = this.caller(call.mode);
    if (ownerOf(caller)?.isLoadOf(call.region, call.key)) return this.loadAlone(call, caller);
    const way = this.wayOf(call, caller);
    if (flights.get(flightName(call, way))) return this.join(call, caller, nextMoment());
    return this.lead(call, way, caller);
  }

  /** The usual read: a hit settles the one promise that its caller gets, and whatever else it finds is followed up. */
  private leadPlainly(call: ReadCall, caller: Caller): Promise<unknown> {
    const { flights, lookup, coherence } = this.parts;
    const { key } = call;
    const flight = flights.begin(key.entry, call, ownerOf(caller), coherence.view(key.bucket).epoch);
    return lookup.plainly(call, flight, new Leading(this, call, flight, caller));
  }

  /** What the plain read of the flight's leader says. */
  found(call: ReadCall, flight: Flight, caller: Caller, verdict: Verdict): unknown {
    const isFound = typeof verdict === 'object';
    if (verdict !== 'undecided') call.region.finds.note(isFound);
    return isFound && verdict.decoded !== null
      ? this.hit(call, flight, caller, verdict)
      : this.follow(call, 'usual', flight, caller, () => this.parts.lookup.find(call, flight, verdict));
  }

  /** That plain read failed. */
  notRead(call: ReadCall, flight: Flight, caller: Caller, error: CacheError): Promise<unknown> {
    return this.follow(call, 'usual', flight, caller, () => Promise.reject(error));
  }

  private hit(call: ReadCall, flight: Flight, caller: Caller, hit: Hit): unknown {
    const { flights, scopes } = this.parts;
    const { decoded } = hit;
    if (flight.joined === 0) flights.endAlone(flight);
    call.region.counts.hitsL2 += 1;
    if (hit.due !== null) this.parts.refreshes.early(call, hit.due);
    if (flight.joined > 0 || call.report !== undefined) {
      const outcome = outcomeOf(hit);
      this.report(call, outcome, null, false);
      flights.end(flight, outcome);
      return this.given(outcome, caller);
    }
    if (caller.scope?.takesLoadsOnly) scopes.taint(caller.scope, caller.moment);
    return decoded.value;
  }

  private caller(asked?: CallMode): Caller {
    const { scopes, modes } = this.parts;
    return { scope: scopes.current(), moment: scopes.moment, mode: asked ?? modes.current() };
  }

  /** The value, or undefined when there is no fresh one; loads nothing, waits for no load. */
  async peek(call: EntryCall): Promise<unknown> {
    const caller = this.caller();
    const isAsked = caller.mode === undefined && !ownerOf(caller)?.isLoadOf(call.region, call.key);
    if (!isAsked || this.whyPast(call, caller) !== null) {
      call.region.counts.bypasses += 1;
      return undefined;
    }
    const ticket = this.takeTicket(call);
    let outcome: Outcome | null = null;
    try {
      outcome = await this.parts.lookup.peek(call, ticket);
    } catch (error) {
      this.parts.faults.cacheErrorOf('A read', error);
    } finally {
      this.parts.tickets.giveBack(ticket);
    }
    count(call, outcome?.kind === 'value' ? outcome.source : 'load', false);
    if (outcome !== null) this.report(call, outcome, null, false);
    return outcome === null ? undefined : this.given(outcome, caller);
  }

  private wayOf(call: EntryCall, caller: Caller): Way {
    if (this.whyPast(call, caller) !== null) return 'past';
    return caller.mode === 'fresh' ? 'fresh' : 'usual';
  }

  /**
   * Not only where it was switched off, or the caller asked for it: while an eviction of this instance is not
   * acknowledged its own reads go past the cache, in flights of their own, since one that began before may still find
   * the old value (G3).
   */
  private whyPast({ key, region }: EntryCall, { mode }: Caller): BypassReason | null {
    const { journal } = this.parts;
    if (region.isPast(key)) return region.isOff ? 'off' : 'not-rolled-out';
    if (mode === 'bypass') return 'asked';
    return journal.size > 0 && journal.covers(key, region) ? 'eviction-pending' : null;
  }

  /** Takes part in the read of another caller, as far as the join rule allows; else leads one. */
  private async join(call: ReadCall, caller: Caller, arrivedAt: number): Promise<unknown> {
    const { flights, scopes } = this.parts;
    const owner = ownerOf(caller);
    for (let hasStartedAnew = false; ;) {
      if (owner?.isLoadOf(call.region, call.key)) return this.loadAlone(call, caller);
      const way = this.wayOf(call, caller);
      const flight = flights.get(flightName(call, way));
      if (!flight) return this.lead(call, way, caller);
      const outcome = await flights.join(flight, owner);
      if (outcome.kind === 'failed') {
        // Nobody cancelled this caller, who starts anew; where that is a guess only once: else a source that aborts by
        // itself would make each of a crowd wait for all who came before.
        if (outcome.owner === 'callers') continue;
        if (outcome.owner === 'perhaps-callers' && !hasStartedAnew) {
          hasStartedAnew = true;
          continue;
        }
        count(call, 'load', true);
        throw outcome.error;
      }
      if (outcome.kind === 'value' && outcome.at >= arrivedAt && flight.call.policy.shape === call.policy.shape) {
        let value: unknown;
        try {
          value = outcome.take();
        } catch (error) {
          // each further caller's value is revived anew, which type and schema may refuse: this caller starts anew
          call.region.countUndecodable(call.policy.where, error);
          continue;
        }
        if (way === 'past') call.region.counts.bypasses += 1;
        else count(call, outcome.source, true);
        this.report(call, outcome, flight.bypass, true);
        // also a load: it may have read what is about to be voided
        if (outcome.isTainted || caller.scope?.takesLoadsOnly) scopes.taint(caller.scope, caller.moment);
        return value;
      }
    }
  }

  private lead(call: ReadCall, way: Way, caller: Caller): Promise<unknown> {
    const { flights, lookup, coherence } = this.parts;
    if (way === 'usual' && lookup.beginsPlainly(call)) return this.leadPlainly(call, caller);
    const { epoch } = coherence.view(call.key.bucket);
    const flight = flights.begin(flightName(call, way), call, ownerOf(caller), epoch);
    if (way === 'usual') return this.follow(call, way, flight, caller, () => this.askAtOnce(call, flight));
    if (way === 'fresh') return this.leadFresh(call, flight, caller);
    flight.bypass = this.whyPast(call, caller);
    return this.follow(call, way, flight, caller, null);
  }

  /**
   * Without a plain read before it: what it finds decides about the next. A full server grants no lease, and answers
   * plain reads as ever.
   *
   * @throws CacheError RC_STORE_UNAVAILABLE
   */
  private askAtOnce(call: ReadCall, flight: Flight): Promise<Found> {
    const { finds } = call.region;
    return this.parts.lookup.find(call, flight).then(
      (found) => {
        finds.note(found.kind === 'answer' && found.outcome.kind === 'value' && found.outcome.source === 'l2');
        return found;
      },
      (error: unknown) => {
        finds.forget();
        throw error;
      },
    );
  }

  private async leadFresh(call: ReadCall, flight: Flight, caller: Caller): Promise<unknown> {
    const { lookup, tickets } = this.parts;
    const ticket = this.takeTicket(call);
    try {
      return await this.follow(call, 'fresh', flight, caller, () => lookup.lease(call, ticket), ticket);
    } finally {
      tickets.giveBack(ticket);
    }
  }

  /**
   * Ends a flight that no plain read has answered. Not async: on the path of every miss.
   *
   * @param look null: past the cache, and the load begins before anybody else can come
   */
  private follow(
    call: ReadCall,
    way: Way,
    flight: Flight,
    caller: Caller,
    look: (() => Promise<Found>) | null,
    ticket: Ticket = flight,
  ): Promise<unknown> {
    const { flights, faults } = this.parts;
    const goOn = (found: Found): Outcome | Promise<Outcome> => {
      if (found.kind === 'load') {
        const missed = { call, flight, ticket, found, caller };
        return way === 'fresh' ? this.loadAnew(missed) : this.serve(missed, way);
      }
      if (found.due !== null) this.parts.refreshes.early(call, found.due);
      return found.outcome;
    };
    const goOnWithout = (error: unknown): Outcome | Promise<Outcome> => {
      flight.bypass = 'unavailable';
      faults.cacheErrorOf('A read', error);
      return goOn(JUST_LOAD);
    };
    const ended = (outcome: Outcome): unknown => {
      flights.end(flight, outcome);
      if (way === 'past') call.region.counts.bypasses += 1;
      else count(call, outcome.kind === 'value' ? outcome.source : 'load', false);
      this.report(call, outcome, flight.bypass, false);
      return this.given(outcome, caller);
    };
    const outcome = look === null ? promised(() => goOn(JUST_LOAD)) : promised(look).then(goOn, goOnWithout);
    return outcome.then(ended, (error: unknown) => ended({ kind: 'failed', error, owner: 'everyones' }));
  }

  /**
   * A read by a load of the same entry: past the cache, which holds what that load is to replace, if anything, and past
   * single flight, since waiting would be for oneself.
   */
  private async loadAlone(call: ReadCall, caller: Caller): Promise<unknown> {
    const { tickets } = this.parts;
    call.region.counts.bypasses += 1;
    // a part of its owner, so that what it reads in turn does not wait for that owner either
    const flight = new Flight('', call, ownerOf(caller), -1);
    const ticket = tickets.take(call.key.entry, -1);
    const outcome = await this.serve({ call, flight, ticket, found: JUST_LOAD, caller }, 'past');
    tickets.giveBack(ticket);
    flight.end(outcome);
    this.report(call, outcome, 'own-load', false);
    return this.given(outcome, caller);
  }

  /** The answer for its caller. What must not outlive this call taints the load that the caller is part of. */
  private given(outcome: Outcome, { scope, moment }: Caller): unknown {
    if (outcome.kind === 'value' && (outcome.isTainted || (scope?.takesLoadsOnly && outcome.source !== 'load'))) {
      this.parts.scopes.taint(scope, moment);
    }
    return valueOf(outcome);
  }

  /** Ends a read that L2 did not answer. */
  private serve({ call, flight, ticket, found, caller }: Missed, way: Way): Promise<Outcome> | Outcome {
    const { scopes, turns, lookup, refreshes } = this.parts;
    const { lease, stale, askedAt } = found;
    if (lease.isHeld && stale && isServableWhileRevalidating(stale, call.policy)) {
      // callers who are served the stale value meanwhile must not be taken for a part of that load
      scopes.track();
      refreshes.behind(call, lease, stale);
      return staleOutcome(stale);
    }
    const lookAgain = way === 'past' ? null : () => lookup.find(call, ticket);
    const isBesideValue = caller.mode !== undefined;
    const wanted = {
      call,
      flight,
      ticket,
      lease,
      stale,
      askedAt,
      within: caller.scope,
      isRefresh: false,
      isBesideValue,
      slot: null,
    };
    return turns.run(wanted, lookAgain);
  }

  /** A load whatever the cache holds. It is shared by callers who came before it began. */
  private async loadAnew({ call, flight, ticket, found: { lease, stale, askedAt }, caller }: Missed): Promise<Outcome> {
    const { turns, lookup, nextMoment } = this.parts;
    const beganAt = nextMoment();
    const lookAgain = () => lookup.lease(call, ticket);
    const how = { within: caller.scope, isRefresh: false, isBesideValue: true, slot: null };
    const wanted = { call, flight, ticket, lease, stale, askedAt, ...how };
    const outcome = await turns.run(wanted, lookAgain);
    return outcome.kind === 'value' ? { ...outcome, at: Math.min(outcome.at, beganAt) } : outcome;
  }

  private report(call: EntryCall, outcome: Outcome, bypass: BypassReason | null, isJoined: boolean): void {
    if (call.report === undefined || outcome.kind !== 'value') return;
    const { source, freshUntilMs } = outcome;
    const freshMs = freshUntilMs === null ? null : freshUntilMs - this.parts.clock.now();
    tell(call.region, call.report, { source, isJoined, isStored: freshMs !== null, freshMs, bypass });
  }

  private takeTicket(call: EntryCall): LooseTicket {
    return this.parts.tickets.take(call.key.entry, this.parts.coherence.view(call.key.bucket).epoch);
  }
}

/** Who leads a flight, until its plain read is answered. */
class Leading implements Follower<unknown> {
  constructor(
    private readonly reader: Reader,
    private readonly call: ReadCall,
    private readonly flight: Flight,
    private readonly caller: Caller,
  ) {}

  found(verdict: Verdict): unknown {
    return this.reader.found(this.call, this.flight, this.caller, verdict);
  }

  failed(error: CacheError): Promise<unknown> {
    return this.reader.notRead(this.call, this.flight, this.caller, error);
  }
}

/** The flight that waits for the caller. */
function ownerOf({ scope }: Caller): Flight | undefined {
  return scope?.flight ?? undefined;
}

function flightName(call: EntryCall, way: Way): string {
  return way === 'usual' ? call.key.entry : `${call.key.entry} ${way}`;
}

function valueOf(outcome: Outcome): unknown {
  if (outcome.kind === 'value') return outcome.take();
  throw outcome.kind === 'failed' ? outcome.error : new CacheError('RC_CLOSED', 'The read was given up.');
}

/** Counts one call by the rules of telemetry/recorder.ts. */
function count(call: EntryCall, source: Source, isJoined: boolean): void {
  const { counts } = call.region;
  if (source === 'l2') counts.hitsL2 += 1;
  else if (source === 'stale') counts.stale += 1;
  else {
    counts.misses += 1;
    if (isJoined) counts.loadsJoined += 1;
  }
}
