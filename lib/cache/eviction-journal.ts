import type { CacheKey } from '../keys/cache-key.js';
import type { Clock, Timer } from '../shared/clock.js';
import type { Mark } from '../stores/channel.js';

/** An eviction that Redis has not acknowledged yet. `fences` stand, or may stand, and end with it. */
export type PendingEviction =
  | {
      readonly kind: 'key';
      readonly key: CacheKey;
      readonly version: string;
      readonly tombstoneMs: number;
      readonly fences: readonly string[];
    }
  | { readonly kind: 'mark'; readonly mark: Mark };

type PendingKey = PendingEviction & { readonly kind: 'key' };

/** Keys remembered one by one; beyond that the whole cache is evicted when Redis is back. */
const MAX_KEYS = 10_000;
/** Sent at once, per bucket. */
const BATCH = 64;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

/**
 * Evictions that failed, retried until Redis acknowledges them. Until then this instance's own reads of what they cover
 * go past the cache (read-your-writes); other instances may still serve the old value, since nothing was acknowledged.
 *
 * Every `add` is an object of its own, and only what was delivered is forgotten: an eviction that fails while an earlier one of the same key or mark is on
 * its way stays. A bucket whose server is away holds up no other.
 */
export class EvictionJournal {
  private readonly keys = new Map<string, PendingKey>();
  private readonly marks = new Map<Mark, PendingEviction>();
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
    if (eviction.kind === 'mark') this.marks.set(eviction.mark, { ...eviction });
    else if (this.keys.size < MAX_KEYS || this.keys.has(eviction.key.entry)) {
      this.keys.set(eviction.key.entry, merged(this.keys.get(eviction.key.entry), eviction));
    } else {
      this.keys.clear();
      this.marks.set('*', { kind: 'mark', mark: '*' });
    }
    this.schedule();
  }

  /** True when a read must go past the cache. Which tags an entry has is known only once it was read, so a pending tag covers everything. */
  covers(entry: string, region: { name: string }): boolean {
    if (this.keys.size > 0 && this.keys.has(entry)) return true;
    for (const mark of this.marks.keys()) {
      if (mark === '*' || mark === `r:${region.name}` || mark.startsWith('t:')) return true;
    }
    return false;
  }

  get size(): number {
    return this.keys.size + this.marks.size;
  }

  /** Tries everything once more, and never again. What is left is lost with the process; `size` says how much. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.timer?.cancel();
    this.timer = null;
    await this.round;
    await this.deliverAll();
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
    const byBucket = new Map<number, PendingKey[]>();
    for (const eviction of this.keys.values()) {
      const { bucket } = eviction.key;
      const others = byBucket.get(bucket);
      if (others) others.push(eviction);
      else byBucket.set(bucket, [eviction]);
    }
    await Promise.all([
      ...[...this.marks.values()].map((eviction) => this.deliverOne(eviction)),
      ...[...byBucket.values()].map((evictions) => this.deliverBucket(evictions)),
    ]);
  }

  private async deliverBucket(evictions: readonly PendingKey[]): Promise<void> {
    for (let from = 0; from < evictions.length; from += BATCH) {
      const batch = evictions.slice(from, from + BATCH);
      const isDelivered = await Promise.all(batch.map((eviction) => this.deliverOne(eviction)));
      if (isDelivered.includes(false)) return;
    }
  }

  /** @returns whether it was acknowledged */
  private async deliverOne(eviction: PendingEviction): Promise<boolean> {
    try {
      await this.deliver(eviction);
    } catch {
      return false;
    }
    // another eviction that failed meanwhile is another object, and stays
    if (eviction.kind === 'mark') {
      if (this.marks.get(eviction.mark) === eviction) this.marks.delete(eviction.mark);
    } else if (this.keys.get(eviction.key.entry) === eviction) this.keys.delete(eviction.key.entry);
    return true;
  }
}

/** Two versions of one key: without one, everything goes; the retry then needs no version. */
function merged(known: PendingKey | undefined, eviction: PendingKey): PendingKey {
  if (known === undefined) return { ...eviction };
  return {
    ...eviction,
    version: known.version === eviction.version ? eviction.version : '',
    tombstoneMs: Math.max(known.tombstoneMs, eviction.tombstoneMs),
    fences: [...new Set([...known.fences, ...eviction.fences])],
  };
}
