import type { Engine } from './engine.js';
import type { ReadCall } from './entry-call.js';
import type { Flight, Outcome } from './flight.js';
import type { ToLoad } from './found.js';
import type { LoadTurns } from './load-turns.js';
import type { Lookup } from './lookup.js';
import type { Caller, Way } from './read-way.js';
import type { Refreshes } from './refreshes.js';
import { isServableWhileRevalidating, staleOutcome } from './stale.js';
import type { Ticket } from './tickets.js';

type Parts = Pick<Engine, 'scopes' | 'nextMoment'> & {
  readonly lookup: Lookup;
  readonly turns: LoadTurns;
  readonly refreshes: Refreshes;
};

/** A read that L2 did not answer. */
export interface Missed {
  readonly call: ReadCall;
  readonly flight: Flight;
  readonly ticket: Ticket;
  readonly found: ToLoad;
  readonly caller: Caller;
}

/** Ends reads that L2 did not answer: by the stale value, or by a load in its turn. */
export class MissedReads {
  constructor(private readonly parts: Parts) {}

  serve({ call, flight, ticket, found, caller }: Missed, way: Way): Promise<Outcome> | Outcome {
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
  async loadAnew({ call, flight, ticket, found: { lease, stale, askedAt }, caller }: Missed): Promise<Outcome> {
    const { turns, lookup, nextMoment } = this.parts;
    const beganAt = nextMoment();
    const lookAgain = () => lookup.lease(call, ticket);
    const how = { within: caller.scope, isRefresh: false, isBesideValue: true, slot: null };
    const wanted = { call, flight, ticket, lease, stale, askedAt, ...how };
    const outcome = await turns.run(wanted, lookAgain);
    return outcome.kind === 'value' ? { ...outcome, at: Math.min(outcome.at, beganAt) } : outcome;
  }
}
