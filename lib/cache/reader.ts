import { CacheError } from '../shared/errors.js';
import { keepShape } from '../shared/keep-shape.js';
import { promised } from '../shared/promised.js';
import type { Engine } from './engine.js';
import type { EntryCall, ReadCall } from './entry-call.js';
import { Flight, type Outcome } from './flight.js';
import type { LoadTurns } from './load-turns.js';
import { type Found, type Hit, JUST_LOAD, outcomeOf, type Verdict } from './found.js';
import type { Lookup } from './lookup.js';
import { MissedReads } from './missed-reads.js';
import type { Follower } from './plain-look.js';
import { countRead, reportRead } from './read-tally.js';
import { type Caller, flightName, ownerOf, ReadWays, type Way } from './read-way.js';
import type { Refreshes } from './refreshes.js';
import type { LooseTicket, Ticket } from './tickets.js';

type ReaderParts = Pick<
  Engine,
  'flights' | 'scopes' | 'modes' | 'tickets' | 'coherence' | 'journal' | 'faults' | 'clock' | 'nextMoment'
> & { readonly lookup: Lookup; readonly turns: LoadTurns; readonly refreshes: Refreshes };

/**
 * A read behind L1: joins a flight, or leads one: a look at L2, then the load (PROTOCOL 6).
 *
 * "A broken cache is a miss" is said here: where L2 rejects, the loader answers.
 */
export class Reader {
  private readonly ways: ReadWays;
  private readonly missed: MissedReads;

  constructor(private readonly parts: ReaderParts) {
    this.ways = new ReadWays(parts);
    this.missed = new MissedReads(parts);
  }

  read(call: ReadCall): Promise<unknown> {
    const { flights, nextMoment } = this.parts;
    const caller = this.ways.caller(call.mode);
    if (ownerOf(caller)?.isLoadOf(call.region, call.key)) return this.loadAlone(call, caller);
    const way = this.ways.wayOf(call, caller);
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
      reportRead(call, outcome, null, false, this.parts.clock);
      flights.end(flight, outcome);
      return this.given(outcome, caller);
    }
    if (caller.scope?.takesLoadsOnly) scopes.taint(caller.scope, caller.moment);
    return decoded.value;
  }

  /** The value, or undefined when there is no fresh one; loads nothing, waits for no load. */
  async peek(call: EntryCall): Promise<unknown> {
    const caller = this.ways.caller();
    const isAsked = caller.mode === undefined && !ownerOf(caller)?.isLoadOf(call.region, call.key);
    if (!isAsked || this.ways.whyPast(call, caller) !== null) {
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
    countRead(call, outcome?.kind === 'value' ? outcome.source : 'load', false);
    if (outcome !== null) reportRead(call, outcome, null, false, this.parts.clock);
    return outcome === null ? undefined : this.given(outcome, caller);
  }

  /** Takes part in the read of another caller, as far as the join rule allows; else leads one. */
  private async join(call: ReadCall, caller: Caller, arrivedAt: number): Promise<unknown> {
    const { flights, scopes } = this.parts;
    const owner = ownerOf(caller);
    for (let hasStartedAnew = false; ;) {
      if (owner?.isLoadOf(call.region, call.key)) return this.loadAlone(call, caller);
      const way = this.ways.wayOf(call, caller);
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
        countRead(call, 'load', true);
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
        else countRead(call, outcome.source, true);
        reportRead(call, outcome, flight.bypass, true, this.parts.clock);
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
    flight.bypass = this.ways.whyPast(call, caller);
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
        const read = { call, flight, ticket, found, caller };
        return way === 'fresh' ? this.missed.loadAnew(read) : this.missed.serve(read, way);
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
      else countRead(call, outcome.kind === 'value' ? outcome.source : 'load', false);
      reportRead(call, outcome, flight.bypass, false, this.parts.clock);
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
    const outcome = await this.missed.serve({ call, flight, ticket, found: JUST_LOAD, caller }, 'past');
    tickets.giveBack(ticket);
    flight.end(outcome);
    reportRead(call, outcome, 'own-load', false, this.parts.clock);
    return this.given(outcome, caller);
  }

  /** The answer for its caller. What must not outlive this call taints the load that the caller is part of. */
  private given(outcome: Outcome, { scope, moment }: Caller): unknown {
    if (outcome.kind === 'value' && (outcome.isTainted || (scope?.takesLoadsOnly && outcome.source !== 'load'))) {
      this.parts.scopes.taint(scope, moment);
    }
    return valueOf(outcome);
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

keepShape(new Leading(null!, null!, null!, null!));

function valueOf(outcome: Outcome): unknown {
  if (outcome.kind === 'value') return outcome.take();
  throw outcome.kind === 'failed' ? outcome.error : new CacheError('RC_CLOSED', 'The read was given up.');
}
