import type { CacheKey } from '../keys/cache-key.js';
import type { Clock, Timer } from '../shared/clock.js';
import type { Mark } from '../stores/channel.js';
import { LibraryFault } from './faults.js';

/** An eviction that Redis has not acknowledged yet. `fences` stand, or may stand, and end with it. */
export type PendingEviction =
  | {
      readonly kind: 'key';
      readonly key: CacheKey;
      readonly version: string;
      readonly tombstoneMs: number;
      readonly fences: readonly string[];
    }
  | { readonly kind: 'mark'; readonly mark: Mark; readonly bucket: number };

type PendingKey = PendingEviction & { readonly kind: 'key' };

/** Keys remembered one by one; beyond that their buckets are evicted whole when Redis is back. */
const MAX_KEYS = 10_000;
/** Fences remembered per key: the first ones, sent before the outage was noticed, are those that may stand. The others end by their time. */
const MAX_FENCES = 16;
/** Sent at once, per bucket. */
const BATCH = 64;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const CLOSING_RETRY_MS = 50;

/**
 * Evictions that failed, retried until Redis acknowledges them. Until then this instance's own reads of what they cover
 * go past the cache (read-your-writes); other instances may still serve the old value, since nothing was acknowledged.
 *
 * Every `add` is an object of its own, and only what was delivered is forgotten: an eviction that fails while an earlier one of the same key or mark is on
 * its way stays. Buckets have nothing to do with each other: one whose server is away holds up no other, and costs no other its entries.
 */
export class EvictionJournal {
  private readonly keys = new Map<string, PendingKey>();
  private readonly marks = new Map<number, Map<Mark, PendingEviction>>();
  private timer: Timer | null = null;
  private round: Promise<void> | null = null;
  private retryMs = FIRST_RETRY_MS;
  isClosed = false;

  /** @param deliver sends one eviction; resolves when it is acknowledged */
  constructor(
    private readonly clock: Clock,
    private readonly deliver: (eviction: PendingEviction) => Promise<void>,
  ) {}

  add(eviction: PendingEviction): void {
    if (eviction.kind === 'mark') this.addMark(eviction);
    else {
      const { entry } = eviction.key;
      if (this.keys.size >= MAX_KEYS && !this.keys.has(entry)) this.makeRoom();
      this.keys.set(entry, merged(this.keys.get(entry), eviction));
    }
    this.schedule();
  }

  /** True when a read must go past the cache. Which tags an entry has is known only once it was read, so a pending tag covers its whole bucket. */
  covers({ entry, bucket }: CacheKey, region: { name: string }): boolean {
    if (this.keys.size > 0 && this.keys.has(entry)) return true;
    const marks = this.marks.get(bucket);
    if (marks === undefined) return false;
    for (const mark of marks.keys()) {
      if (mark === '*' || mark === `r:${region.name}` || mark.startsWith('t:')) return true;
    }
    return false;
  }

  get size(): number {
    let size = this.keys.size;
    for (const marks of this.marks.values()) size += marks.size;
    return size;
  }

  /** Tries until everything is delivered or the time is over, and never again. What is left is lost with the process; `size` says how much. */
  async close(withinMs: number): Promise<void> {
    this.isClosed = true;
    this.timer?.cancel();
    this.timer = null;
    const untilMs = this.clock.now() + withinMs;
    await this.round;
    while (this.size > 0) {
      await this.deliverAll();
      if (this.size === 0 || this.clock.now() + CLOSING_RETRY_MS > untilMs) return;
      await new Promise<void>((resolve) => this.clock.after(CLOSING_RETRY_MS, resolve));
    }
  }

  private addMark(eviction: PendingEviction & { kind: 'mark' }): void {
    const marks = this.marks.get(eviction.bucket);
    if (marks) marks.set(eviction.mark, { ...eviction });
    else this.marks.set(eviction.bucket, new Map([[eviction.mark, { ...eviction }]]));
  }

  /** Keys become the clear mark of their buckets, those with fences last: no mark lifts a fence. */
  private makeRoom(): void {
    const all = [...this.keys.values()];
    const unfenced = all.filter(({ fences }) => fences.length === 0);
    for (const { key } of unfenced.length > 0 ? unfenced : all) {
      this.keys.delete(key.entry);
      this.addMark({ kind: 'mark', mark: '*', bucket: key.bucket });
    }
  }

  private schedule(): void {
    if (this.isClosed || this.timer !== null || this.round !== null) return;
    this.timer = this.clock.after(this.retryMs, () => {
      this.timer = null;
      this.round = this.deliverAll().finally(() => {
        this.round = null;
        this.retryMs = this.size === 0 ? FIRST_RETRY_MS : Math.min(this.retryMs * 2, LAST_RETRY_MS);
        if (this.size > 0) this.schedule();
      });
    });
  }

  /** Never rejects. */
  private async deliverAll(): Promise<void> {
    const byBucket = new Map<number, PendingEviction[]>();
    for (const [bucket, marks] of this.marks) byBucket.set(bucket, [...marks.values()]);
    for (const eviction of this.keys.values()) {
      const others = byBucket.get(eviction.key.bucket);
      if (others) others.push(eviction);
      else byBucket.set(eviction.key.bucket, [eviction]);
    }
    await Promise.all([...byBucket.values()].map((evictions) => this.deliverBucket(evictions)));
  }

  private async deliverBucket(evictions: readonly PendingEviction[]): Promise<void> {
    for (let from = 0; from < evictions.length; from += BATCH) {
      const batch = evictions.slice(from, from + BATCH);
      const isDelivered = await Promise.all(batch.map((eviction) => this.deliverOne(eviction)));
      if (isDelivered.includes(false)) return;
    }
  }

  /** @returns false when it is to be sent again */
  private async deliverOne(eviction: PendingEviction): Promise<boolean> {
    try {
      await this.deliver(eviction);
    } catch (error) {
      // a fault of this library, which was told, would come back for ever
      if (!(error instanceof LibraryFault)) return false;
    }
    // another eviction that failed meanwhile is another object, and stays
    if (eviction.kind === 'mark') this.forgetMark(eviction);
    else if (this.keys.get(eviction.key.entry) === eviction) this.keys.delete(eviction.key.entry);
    return true;
  }

  private forgetMark(eviction: PendingEviction & { kind: 'mark' }): void {
    const marks = this.marks.get(eviction.bucket);
    if (marks?.get(eviction.mark) !== eviction) return;
    marks.delete(eviction.mark);
    if (marks.size === 0) this.marks.delete(eviction.bucket);
  }
}

/** Two versions of one key: without one, everything goes; the retry then needs no version. */
function merged(known: PendingKey | undefined, eviction: PendingKey): PendingKey {
  if (known === undefined) return { ...eviction };
  const { fences } = known;
  const isFull = fences.length >= MAX_FENCES;
  return {
    ...eviction,
    version: known.version === eviction.version ? eviction.version : '',
    tombstoneMs: Math.max(known.tombstoneMs, eviction.tombstoneMs),
    fences: isFull ? fences : [...new Set([...fences, ...eviction.fences])].slice(0, MAX_FENCES),
  };
}
