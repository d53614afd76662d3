import type { CacheKey } from '../keys/cache-key.js';
import type { CachedValue } from '../values/value-pipeline.js';
import type { Bulkhead } from './bulkhead.js';
import type { RejectionOwner } from './cancellation.js';
import type { EntryCall } from './entry-call.js';
import type { BypassReason } from './read-report.js';
import type { RegionState } from './region-state.js';
import { deferred, type Deferred } from '../shared/deferred.js';
import { keepShape } from '../shared/keep-shape.js';
import type { Ticket } from './tickets.js';

/** A value for each caller: the shared frozen one, or one of its own. */
export type Take = () => unknown;

/**
 * Hands a decoded value out: the same to all when it is frozen, else the first caller gets it and each further one a
 * copy.
 */
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
 * `at` is the logical time that makes a result usable by others (PROTOCOL 6, the join rule): when the Redis operation
 * that decided it was sent (the read that hit, the fill that was accepted), else that which let its load begin, as far
 * as L1 is held back for it (R18), and where none was answered when its load began. Whoever arrived later must not take
 * it: an eviction may have been acknowledged in between.
 */
export type Outcome =
  | {
      readonly kind: 'value';
      readonly at: number;
      readonly source: Source;
      readonly take: Take;
      /** Until when it is fresh, local ms; null: it is not in the cache. */
      readonly freshUntilMs: number | null;
      /** It must not become part of another entry (R18): stale, refused by FILL, or made of such a value. */
      readonly isTainted: boolean;
    }
  | { readonly kind: 'failed'; readonly error: unknown; readonly owner: RejectionOwner }
  /** The load held its key longer than its lease: its callers start anew. */
  | { readonly kind: 'abandoned' };

/**
 * One read of a key on behalf of all who joined it, and its own ticket: an invalidation of the key poisons it.
 *
 * Most reads are hits that nobody joins, and wait for no other: what those need not have is made when it is needed.
 */
export class Flight implements Ticket {
  isPoisoned = false;
  /** Callers who wait for its outcome, or did. */
  joined = 0;
  /** Why its answer comes from past the cache; null: the cache was asked. */
  bypass: BypassReason | null = null;
  /** Those of the table in which it stands. */
  hash = 0;
  next: Flight | null = null;
  /** Where its load has a place. */
  bulkhead: Bulkhead | null = null;
  /** Flights that this one's load waits for. */
  private waitsFor: Set<Flight> | null = null;
  /** Flights whose load waits for this one. */
  private awaitedBy: Set<Flight> | null = null;
  /** Where it waits for a place, and what comes of it when it needs none any more. */
  private line: { readonly bulkhead: Bulkhead; readonly needless: Deferred<void> } | null = null;
  private awaited: Deferred<Outcome> | null = null;
  private ended: Outcome | null = null;

  /** @param parent the flight whose load began this one, and waits for it */
  constructor(
    /** What callers find it by. Not a key: reads past the cache have flights of their own. */
    readonly name: string,
    /** The call that leads it. */
    readonly call: EntryCall,
    private readonly parent: Flight | undefined,
    /** As {@link Ticket.epoch}. */
    readonly epoch: number,
  ) {
    parent?.wait(this);
  }

  get outcome(): Promise<Outcome> {
    this.awaited ??= deferred();
    if (this.ended) this.awaited.resolve(this.ended);
    return this.awaited.promise;
  }

  /** For all who wait for it. A second end does nothing. */
  end(outcome: Outcome): void {
    this.leaveParent();
    this.settle(outcome);
  }

  /** For those who joined; whoever leads it may wait on. */
  settle(outcome: Outcome): void {
    this.ended ??= outcome;
    this.awaited?.resolve(this.ended);
  }

  /** Ends for nobody but its own caller: nobody joined. */
  leaveParent(): void {
    this.parent?.waitNoMore(this);
  }

  wait(other: Flight): void {
    (this.waitsFor ??= new Set()).add(other);
    (other.awaitedBy ??= new Set()).add(this);
    other.isAwaited();
  }

  waitNoMore(other: Flight): void {
    this.waitsFor?.delete(other);
    other.awaitedBy?.delete(this);
  }

  /**
   * True when its load has a place there, or one that waits for it: such a one gives its place to nobody before this
   * flight has ended.
   */
  hasPlaceIn(bulkhead: Bulkhead): boolean {
    return this.isPartOf((flight) => flight.bulkhead === bulkhead);
  }

  /**
   * True when its load is one of this entry, or when such a one waits for it. What it reads of that entry it would wait
   * for, or make the entry's value of.
   */
  isLoadOf(region: RegionState, key: CacheKey): boolean {
    // regions of two caches may have the same entry
    return this.isPartOf(({ call }) => call.region === region && call.key.entry === key.entry);
  }

  /** Resolves when `hasPlaceIn` becomes true. For one bulkhead: that of the flight's region. */
  comesToHavePlaceIn(bulkhead: Bulkhead): Promise<void> {
    this.line ??= { bulkhead, needless: deferred() };
    return this.line.needless.promise;
  }

  /** One more waits for it, and so for those it waits for itself. */
  private isAwaited(seen = new Set<Flight>()): void {
    if (this.line !== null && this.hasPlaceIn(this.line.bulkhead)) this.line.needless.resolve();
    if (this.waitsFor === null) return;
    seen.add(this);
    for (const next of this.waitsFor) if (!seen.has(next)) next.isAwaited(seen);
  }

  /** True of it, or of one that waits for it, directly or through others. */
  private isPartOf(is: (flight: Flight) => boolean): boolean {
    if (is(this)) return true;
    if (this.awaitedBy === null) return false;
    // in turn, not by recursion: loads may be nested deeper than the stack
    const toSee = new Set(this.awaitedBy);
    for (const flight of toSee) {
      if (is(flight)) return true;
      for (const other of flight.awaitedBy ?? []) toSee.add(other);
    }
    return false;
  }
}

keepShape(new Flight('', null!, undefined, 0));
