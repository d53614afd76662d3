import { type LoadScopes, processScopes } from './load-scopes.js';
import type { CachedValue } from '../values/value-pipeline.js';
import type { RejectionOwner } from './cancellation.js';

/** A value for each caller: the shared frozen one, or one of its own. */
export type Take = () => unknown;

/** Hands a decoded value out: the same to all when it is frozen, else the first caller gets it and each further one a copy. */
export function takeOf(decoded: CachedValue): Take {
  if (decoded.isShared) return () => decoded.value;
  let isTaken = false;
  return () => {
    if (isTaken) return decoded.fresh();
    isTaken = true;
    return decoded.value;
  };
}

/** Where an answer came from. */
export type Source = 'l2' | 'stale' | 'load';

/**
 * How a flight ended.
 *
 * `at` is the logical time that makes a result usable by others (PROTOCOL 6, the join rule): when the Redis operation that decided it
 * was sent (the read that hit, the fill that was accepted), else when its load began. Whoever arrived later must not take it:
 * an eviction may have been acknowledged in between.
 */
export type Outcome =
  | {
      readonly kind: 'value';
      readonly at: number;
      readonly source: Source;
      readonly take: Take;
      /** It must not become part of another entry (R18): stale, refused by FILL, or made of such a value. */
      readonly isTainted: boolean;
    }
  | { readonly kind: 'failed'; readonly error: unknown; readonly owner: RejectionOwner }
  /** The load held its key longer than its lease: its callers start anew. */
  | { readonly kind: 'abandoned' };

/** One read of a key on behalf of all who joined it. */
export class Flight {
  readonly outcome: Promise<Outcome>;
  /** Flights that this one's load waits for. */
  readonly waitsFor = new Set<Flight>();
  /** Callers who wait for its outcome, or did. */
  joined = 0;
  private settle!: (outcome: Outcome) => void;

  /** @param parent the flight whose load began this one, and waits for it */
  constructor(
    /** What callers find it by. Not a key: reads past the cache have flights of their own. */
    readonly name: string,
    readonly shape: object,
    private readonly parent: Flight | undefined,
  ) {
    parent?.waitsFor.add(this);
    this.outcome = new Promise((resolve) => (this.settle = resolve));
  }

  end(outcome: Outcome): void {
    this.parent?.waitsFor.delete(this);
    this.settle(outcome);
  }

  /** True when this flight cannot end before `other` does. */
  dependsOn(other: Flight, seen = new Set<Flight>()): boolean {
    if (this === other) return true;
    seen.add(this);
    for (const next of this.waitsFor) if (!seen.has(next) && next.dependsOn(other, seen)) return true;
    return false;
  }
}

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
