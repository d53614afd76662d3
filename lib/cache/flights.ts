import type { EntryCall } from './entry-call.js';
import { Flight, type Outcome } from './flight.js';
import { FlightTable } from './flight-table.js';
import { type LoadScopes, processScopes } from './load-scopes.js';

/**
 * Single flight in the process: one read per key at a time. At most two flights of a key are needed by any set of
 * callers.
 *
 * A load that reads its own key again (a recursive method, an override that calls `super`), or two loads that read each
 * other's, would wait for themselves; {@link Flight.isLoadOf} finds the circle. For that a read must know of which load
 * it is part ({@link LoadScopes}): where that is not known beyond the first `await`, tracking begins once a load with
 * waiting callers has outlived its lease, as a circle does.
 */
export class Flights {
  private readonly byName = new FlightTable();
  /** Abandoned, with a load that still runs. */
  private readonly adrift = new Set<Flight>();

  constructor(private readonly scopes: LoadScopes = processScopes) {}

  get(name: string): Flight | undefined {
    return this.byName.get(name);
  }

  /** @param epoch of the key's bucket */
  begin(name: string, call: EntryCall, owner: Flight | undefined, epoch: number): Flight {
    const flight = new Flight(name, call, owner, epoch);
    this.byName.add(flight);
    return flight;
  }

  /** Ends it for those who joined; later callers start another. A second end does nothing. */
  end(flight: Flight, outcome: Outcome): void {
    this.leave(flight);
    flight.end(outcome);
  }

  /** Ends a flight that nobody joined. */
  endAlone(flight: Flight): void {
    this.leave(flight);
    flight.leaveParent();
  }

  private leave(flight: Flight): void {
    this.byName.delete(flight);
    if (this.adrift.size > 0) this.adrift.delete(flight);
  }

  /** The key was invalidated: what was read or loaded before must not reach L1. */
  poison(name: string): void {
    const flight = this.byName.get(name);
    if (flight !== undefined) flight.isPoisoned = true;
    for (const one of this.adrift) if (one.name === name) one.isPoisoned = true;
  }

  /** As `end`, for a load that outlived its lease. */
  abandon(flight: Flight): void {
    if (flight.joined > 0) this.scopes.track();
    // others have a ticket of their own
    const isTicket = this.byName.delete(flight);
    flight.settle({ kind: 'abandoned' });
    if (isTicket) this.adrift.add(flight);
  }

  async join(flight: Flight, owner: Flight | undefined): Promise<Outcome> {
    flight.joined += 1;
    owner?.wait(flight);
    try {
      return await flight.outcome;
    } finally {
      owner?.waitNoMore(flight);
    }
  }

  get size(): number {
    return this.byName.size + this.adrift.size;
  }
}
