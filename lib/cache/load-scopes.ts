import { AsyncLocalStorage } from 'node:async_hooks';
import type { BucketView } from './bucket-view.js';
import { Bag, type Baggable } from '../shared/bag.js';
import type { Flight } from './flight.js';

/**
 * The application's function while it makes a value that is to be written to a cache: a load, or the method of a
 * write-through.
 *
 * What it reads through a cache, of this or another region, becomes part of that value (R18). So nothing may reach it
 * that an eviction acknowledged before its lease could have voided: an L1 value counts by the rules of {@link
 * LoadScopes.admits}, and what is not known to be current *taints* the scope, whose value is then given to its callers
 * and not written.
 */
export interface LoadScope extends Baggable {
  /** Set by the first answer inside that must not outlive this call: a stale one, or a load whose fill was refused. */
  isTainted: boolean;
  /** Local ms from which on a proof of another bucket's L1 counts: when the lease, or the fence, was answered. */
  readonly beganAtMs: number;
  /** The bucket whose L1 is held back until it is as far as the lease (BucketView.require); null: none is. */
  readonly held: BucketView | null;
  /** The flight that it is the load of, or part of. Null for a write outside loads, and once it has ended. */
  flight: Flight | null;
  /**
   * True for a write whose call also evicts other entries, and for loads inside it: these entries stand until the
   * method has ended, so whatever the cache answers meanwhile may be what the call is about to void. Only loads of its
   * own may become part of what it puts.
   */
  readonly takesLoadsOnly: boolean;
  /** What it is itself part of. */
  readonly within: LoadScope | undefined;
  /** Set when its function's promise settled. Work that goes on after that is part of `within`, if of anything. */
  hasEnded?: boolean;
  /** It was the how-manieth to begin. */
  begun?: number;
}

/**
 * Which load or write the caller is part of, over all caches of the process: a load of one may read another.
 *
 * During a function's first, synchronous stretch that costs nothing. Beyond it AsyncLocalStorage tells, which before
 * Node 24 makes every promise of the process more than twice as dear. There it is used only where it is needed: where
 * one server's position does not prove what is read (several buckets or caches, versioned puts), where a circle of
 * loads is foreseen or was met, and once a stale or refused value was answered to a caller who may have been part of a
 * load.
 */
export class LoadScopes {
  /** L1 must ask `admits`: a position held back for one bucket is not enough to keep loads safe. */
  mustAdmit = false;
  private running: LoadScope | undefined;
  private storage: AsyncLocalStorage<LoadScope> | null;
  /** Scopes that nobody can be told to be part of beyond their first stretch. */
  private readonly untracked = new Bag<LoadScope>();
  private begun = 0;
  private notEnded = 0;
  private caches = 0;
  private cachesWithLocal = 0;

  /** @param isCheap whether AsyncLocalStorage is used from the start */
  constructor(isCheap = HAS_CHEAP_STORAGE) {
    this.storage = isCheap ? new AsyncLocalStorage() : null;
  }

  /** The scope that the caller is part of, as far as that is known. Ask before the first `await`. */
  current(): LoadScope | undefined {
    let scope = this.running ?? this.storage?.getStore();
    while (scope?.hasEnded) scope = scope.within;
    return scope;
  }

  /** How many scopes began so far: a caller is part of none that begins later. */
  get moment(): number {
    return this.begun;
  }

  /** From now on scopes are known beyond their first `await`. */
  track(): void {
    this.storage ??= new AsyncLocalStorage();
  }

  /** A cache began to serve. */
  opened(cache: { bucketCount: number; hasLocal: boolean }): void {
    this.caches += 1;
    if (cache.hasLocal) this.cachesWithLocal += 1;
    if (this.cachesWithLocal > 0 && (this.caches > 1 || cache.bucketCount > 1)) this.admitOnly();
  }

  closed({ hasLocal }: { hasLocal: boolean }): void {
    this.caches -= 1;
    if (hasLocal) this.cachesWithLocal -= 1;
    this.letGo();
  }

  /**
   * Before Node 24 what is used costs every promise of the process, and once more for each copy of this module, as in
   * tests. What runs still is told of itself until it has ended.
   */
  private letGo(): void {
    if (this.caches <= 0 && this.notEnded === 0) this.storage?.disable();
  }

  /** From now on every L1 hit inside a scope needs a proof of its own. */
  admitOnly(): void {
    this.mustAdmit = true;
    this.track();
  }

  /** Whether a value of this bucket's L1 may become part of what the caller makes. */
  admits(view: BucketView): boolean {
    const scope = this.current();
    if (scope === undefined) return true;
    return !scope.takesLoadsOnly && (scope.held === view || view.verifiedAtMs > scope.beganAtMs);
  }

  /**
   * Runs the application's function as `scope`, so that reads inside it are known as such. Call `ended` when its
   * promise settled.
   */
  run<T>(scope: LoadScope, make: () => T): T {
    const outer = this.running;
    this.running = scope;
    this.begun += 1;
    this.notEnded += 1;
    scope.begun = this.begun;
    if (this.storage === null) this.untracked.add(scope);
    try {
      return this.storage === null ? make() : this.storage.run(scope, make);
    } finally {
      this.running = outer;
    }
  }

  ended(scope: LoadScope): void {
    scope.hasEnded = true;
    // what was begun inside, as a connection, may live as long as the process, and the scope with it: not so arguments
    // and values
    scope.flight = null;
    this.untracked.delete(scope);
    this.notEnded -= 1;
    this.letGo();
  }

  /**
   * An answer that must not outlive its call went to the caller.
   *
   * @param scope what `current` said when the call came; undefined: perhaps none, perhaps one that is not tracked. Then
   * all of these are tainted, and from now on scopes are tracked.
   * @param moment what `moment` said when the call came
   */
  taint(scope: LoadScope | undefined, moment: number): void {
    if (scope !== undefined) scope.isTainted = true;
    else if (this.untracked.size > 0) {
      for (const one of this.untracked.all()) if (one.begun! <= moment) one.isTainted = true;
      this.track();
    }
  }
}

/** From Node 24 on AsyncLocalStorage rests on AsyncContextFrame instead of hooks on every promise. */
const HAS_CHEAP_STORAGE = Number(process.versions.node.split('.')[0]) >= 24;

/** Those of this process: a load of one cache may read any other. */
export const processScopes = new LoadScopes();
