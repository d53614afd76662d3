import type { CacheKey } from '../keys/cache-key.js';
import type { Clock, Timer } from '../shared/clock.js';
import { deferred, type Deferred } from '../shared/deferred.js';
import { CacheError } from '../shared/errors.js';
import type { Mark } from '../stores/channel.js';
import { type BucketPart, countAcknowledged, type EvictionGroup, mergedGroups, summed } from './eviction-group.js';
import type { Undelivered } from './eviction-delivery.js';
import { LibraryFault } from './faults.js';
import { PendingCover } from './pending-cover.js';

/** A group that Redis has not acknowledged. */
interface Pending {
  readonly group: EvictionGroup;
  /** Buckets that did not acknowledge it last time. */
  readonly suspects: ReadonlySet<number>;
  /** Resolves when it is acknowledged; of all equal groups that were added meanwhile. */
  readonly delivered: Deferred<void>;
  /** Local ms; of equal groups that of the first. */
  readonly sinceMs: number;
}

/** Keys and marks remembered one by one; beyond that their buckets are evicted whole when Redis is back. */
const MAX_ITEMS = 10_000;
/** Sent at once, of those that wait for the same bucket. */
const BATCH = 64;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const CLOSING_RETRY_MS = 50;
const NO_TALLY: EvictionGroup['tally'] = new Map();

/**
 * Groups of evictions that failed, retried as a whole until Redis acknowledges them. Until then this instance's own
 * reads of what they cover go past the cache (read-your-writes); other instances may still serve the old value, since
 * nothing was acknowledged.
 *
 * Every `add` is an object of its own, and only what was delivered is forgotten: a group that fails while an equal one
 * is on its way stays. Groups of different buckets have nothing to do with each other: one whose server is away holds
 * up no other.
 */
export class EvictionJournal {
  private readonly pending = new Map<string, Pending>();
  private readonly cover = new PendingCover();
  private items = 0;
  private timer: Timer | null = null;
  private round: Promise<void> | null = null;
  private retryMs = FIRST_RETRY_MS;
  isClosed = false;

  /** @param deliver sends a group, once; never rejects */
  constructor(
    private readonly clock: Clock,
    private readonly deliver: (group: EvictionGroup, suspects: ReadonlySet<number>) => Promise<Undelivered>,
  ) {}

  /**
   * @returns a promise that resolves when Redis acknowledged the group, and rejects when the journal was closed before
   */
  add(group: EvictionGroup, failed: Iterable<number>): Promise<void> {
    if (this.items + itemsOf(group) > MAX_ITEMS && !this.pending.has(nameOf(group))) this.makeRoom();
    const kept = itemsOf(group) > MAX_ITEMS ? clearOf(group.parts, group.tally) : group;
    const { delivered } = this.keep(kept, new Set(failed));
    this.schedule();
    return delivered.promise;
  }

  /**
   * True when a read must go past the cache. Which tags an entry has is known only once it was read, so a pending tag
   * covers its whole bucket.
   */
  covers(key: CacheKey, region: { name: string }): boolean {
    return this.cover.has(key, region.name);
  }

  /** Keys, and marks by bucket, that are pending. */
  get size(): number {
    return this.cover.size;
  }

  /** Since when the oldest of them has been pending, local ms; null: none is. */
  get oldestSinceMs(): number | null {
    let oldest = Infinity;
    for (const { sinceMs } of this.pending.values()) oldest = Math.min(oldest, sinceMs);
    return oldest === Infinity ? null : oldest;
  }

  /**
   * Tries until everything is delivered or the time is over, and never again. What is left is lost with the process;
   * `size` says how much.
   */
  async close(withinMs: number): Promise<void> {
    this.isClosed = true;
    this.timer?.cancel();
    this.timer = null;
    const untilMs = this.clock.now() + withinMs;
    await this.round;
    while (this.pending.size > 0) {
      await this.deliverAll();
      if (this.pending.size === 0 || this.clock.now() + CLOSING_RETRY_MS > untilMs) break;
      await new Promise<void>((resolve) => this.clock.after(CLOSING_RETRY_MS, resolve));
    }
    for (const { delivered } of this.pending.values()) delivered.reject(givenUp());
  }

  private keep(group: EvictionGroup, suspects: ReadonlySet<number>, sinceMs = this.clock.now()): Pending {
    const name = nameOf(group);
    const known = this.pending.get(name);
    if (known) this.forget(name, known);
    const delivered = known?.delivered ?? deferred<void>();
    // whoever waits handles it; nobody may
    delivered.promise.catch(() => undefined);
    const pending = {
      group: known ? mergedGroups(known.group, group) : group,
      suspects: new Set([...(known?.suspects ?? []), ...suspects]),
      delivered,
      sinceMs: Math.min(sinceMs, known?.sinceMs ?? Infinity),
    };
    this.pending.set(name, pending);
    this.items += itemsOf(pending.group);
    this.cover.add(pending.group.parts, pending.suspects);
    return pending;
  }

  private forget(name: string, { group, suspects }: Pending): void {
    this.pending.delete(name);
    this.items -= itemsOf(group);
    this.cover.remove(group.parts, suspects);
  }

  /**
   * Groups become the clear mark of their buckets, those with fences last: no mark lifts a fence. What was in one
   * bucket stays by itself; what was in several becomes one group.
   */
  private makeRoom(): void {
    const all = [...this.pending];
    const unfenced = all.filter(([, { group }]) => !hasFences(group));
    const dropped = unfenced.length > 0 ? unfenced : all;
    const several: BucketPart[] = [];
    for (const [name, pending] of dropped) this.forget(name, pending);
    for (const [, { group, delivered, suspects, sinceMs }] of dropped) {
      if (group.parts.length === 1)
        this.follow(delivered, this.keep(clearOf(group.parts, group.tally), suspects, sinceMs));
      else several.push(...group.parts);
    }
    if (several.length === 0) return;
    const ofSeveral = dropped.filter(([, { group }]) => group.parts.length > 1);
    const tally = ofSeveral.reduce((sum, [, { group }]) => summed(sum, group.tally), NO_TALLY);
    const suspects = new Set(ofSeveral.flatMap(([, pending]) => [...pending.suspects]));
    const sinceMs = Math.min(...ofSeveral.map(([, pending]) => pending.sinceMs));
    const clear = this.keep(clearOf(several, tally), suspects, sinceMs);
    for (const [, { delivered }] of ofSeveral) this.follow(delivered, clear);
  }

  private follow(delivered: Deferred<void>, { delivered: leading }: Pending): void {
    if (delivered !== leading) leading.promise.then(delivered.resolve, delivered.reject);
  }

  private schedule(): void {
    if (this.isClosed || this.timer !== null || this.round !== null) return;
    this.timer = this.clock.after(this.retryMs, () => {
      this.timer = null;
      this.round = this.deliverAll().finally(() => {
        this.round = null;
        this.retryMs = this.pending.size === 0 ? FIRST_RETRY_MS : Math.min(this.retryMs * 2, LAST_RETRY_MS);
        if (this.pending.size > 0) this.schedule();
      });
    });
  }

  /** Never rejects. */
  private async deliverAll(): Promise<void> {
    const byBucket = new Map<number, [string, Pending][]>();
    for (const one of this.pending) {
      const bucket = waitsFor(one[1]);
      const others = byBucket.get(bucket);
      if (others) others.push(one);
      else byBucket.set(bucket, [one]);
    }
    await Promise.all([...byBucket.values()].map((groups) => this.deliverSome(groups)));
  }

  private async deliverSome(groups: readonly [string, Pending][]): Promise<void> {
    for (let from = 0; from < groups.length; from += BATCH) {
      const batch = groups.slice(from, from + BATCH);
      const isDelivered = await Promise.all(batch.map(([name, pending]) => this.deliverOne(name, pending)));
      if (isDelivered.includes(false)) return;
    }
  }

  /** @returns false when it is to be sent again */
  private async deliverOne(name: string, pending: Pending): Promise<boolean> {
    const undelivered = await this.deliver(pending.group, pending.suspects);
    // another group that failed meanwhile is another object, and stays
    const isStill = this.pending.get(name) === pending;
    // a fault of this library, which was told, would come back for ever
    const failed = [...undelivered].filter(([, error]) => !(error instanceof LibraryFault)).map(([bucket]) => bucket);
    if (failed.length === 0) {
      if (isStill) {
        this.forget(name, pending);
        if (undelivered.size === 0) countAcknowledged(pending.group);
        pending.delivered.resolve();
      }
      return true;
    }
    if (isStill) {
      this.forget(name, pending);
      this.pending.set(name, { ...pending, suspects: new Set(failed) });
      this.items += itemsOf(pending.group);
      this.cover.add(pending.group.parts, new Set(failed));
    }
    return false;
  }
}

function waitsFor({ group, suspects }: Pending): number {
  for (const bucket of suspects) return bucket;
  return group.parts[0]?.bucket ?? 0;
}

/** Equal groups have one name. */
function nameOf({ parts }: EvictionGroup): string {
  const names = parts.flatMap(({ bucket, keys, marks }) => [
    ...keys.map(({ key }) => key.entry),
    ...marks.map((mark) => `${bucket} ${mark}`),
  ]);
  return names.length === 1 ? names[0]! : names.sort().join('\n');
}

function itemsOf({ parts }: EvictionGroup): number {
  return parts.reduce((sum, { keys }) => sum + keys.length, parts[0]?.marks.length ?? 0);
}

function hasFences({ parts }: EvictionGroup): boolean {
  return parts.some(({ keys }) => keys.some(({ fences }) => fences.length > 0));
}

function clearOf(parts: readonly BucketPart[], tally: EvictionGroup['tally']): EvictionGroup {
  const buckets = [...new Set(parts.map(({ bucket }) => bucket))];
  const marks: Mark[] = ['*'];
  return { parts: buckets.map((bucket) => ({ bucket, keys: [], marks })), tally };
}

function givenUp(): CacheError {
  return new CacheError(
    'RC_CLOSED',
    'An eviction was given up: the cache was closed before Redis acknowledged it. Other instances may serve the old value until its ttl.',
  );
}
