import { Flight, type Outcome } from './flight.js';
import { type LoadScopes, processScopes } from './load-scopes.js';

/**
 * Single flight in the process: one read per key at a time. At most two flights of a key are needed by any set of callers.
 *
 * A load that reads its own key again (a recursive method, an override that calls `super`), or two loads that read each other's, would
 * wait for themselves; `mustNotJoin` finds the circle. For that a read must know of which load it is part ({@link LoadScopes}): where that is not
 * known beyond the first `await`, tracking begins once a load with waiting callers has outlived its lease, as a circle does.
 */
export class Flights {
  private readonly byName = new Map<string, Flight>();

  constructor(private readonly scopes: LoadScopes = processScopes) {}

  get(name: string): Flight | undefined {
    return this.byName.get(name);
  }

  begin(name: string, shape: object, owner: Flight | undefined): Flight {
    const flight = new Flight(name, shape, owner);
    this.byName.set(name, flight);
    return flight;
  }

  /** Ends it for those who joined; later callers start another. A second end does nothing. */
  end(flight: Flight, outcome: Outcome): void {
    if (this.byName.get(flight.name) === flight) this.byName.delete(flight.name);
    flight.end(outcome);
  }

  /** As `end`, for a load that outlived its lease. */
  abandon(flight: Flight): void {
    if (flight.joined > 0) this.scopes.track();
    this.end(flight, { kind: 'abandoned' });
  }

  /** True when the caller, part of `owner`'s load, is what `flight` itself waits for. */
  mustNotJoin(flight: Flight, owner: Flight | undefined): boolean {
    return owner !== undefined && flight.dependsOn(owner);
  }

  async join(flight: Flight, owner: Flight | undefined): Promise<Outcome> {
    flight.joined += 1;
    owner?.waitsFor.add(flight);
    try {
      return await flight.outcome;
    } finally {
      owner?.waitsFor.delete(flight);
    }
  }

  get size(): number {
    return this.byName.size;
  }
}
