import type { CacheKey } from '../keys/cache-key.js';
import type { Clock, Timer } from '../shared/clock.js';
import type { Mark } from '../stores/channel.js';

/** An eviction that Redis has not acknowledged yet. */
export type PendingEviction =
  | { readonly kind: 'key'; readonly key: CacheKey; readonly version: string; readonly tombstoneMs: number }
  | { readonly kind: 'mark'; readonly mark: Mark };

/** Keys remembered one by one; beyond that the whole cache is evicted when Redis is back. */
const MAX_KEYS = 10_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

/**
 * Evictions that failed, retried until Redis acknowledges them. Until then this instance's own reads of what they cover
 * go past the cache (read-your-writes); other instances may still serve the old value, since nothing was acknowledged.
 */
export class EvictionJournal {
  private readonly keys = new Map<string, PendingEviction & { kind: 'key' }>();
  private readonly marks = new Set<Mark>();
  private timer: Timer | null = null;
  private retryMs = FIRST_RETRY_MS;

  /** @param deliver sends one eviction; resolves when it is acknowledged */
  constructor(
    private readonly clock: Clock,
    private readonly deliver: (eviction: PendingEviction) => Promise<void>,
  ) {}

  add(eviction: PendingEviction): void {
    if (eviction.kind === 'mark') this.marks.add(eviction.mark);
    else if (this.keys.size < MAX_KEYS || this.keys.has(eviction.key.entry)) {
      // two versions of one key: without one, everything goes; the retry then needs no version
      const known = this.keys.get(eviction.key.entry);
      this.keys.set(
        eviction.key.entry,
        known && known.version !== eviction.version ? { ...eviction, version: '' } : eviction,
      );
    } else {
      this.keys.clear();
      this.marks.add('*');
    }
    this.schedule();
  }

  /** True when a read must go past the cache. A pending tag covers every region that uses tags. */
  covers(entry: string, region: { name: string; usesTags: boolean }): boolean {
    if (this.keys.size > 0 && this.keys.has(entry)) return true;
    for (const mark of this.marks) {
      if (mark === '*' || mark === `r:${region.name}` || (mark.startsWith('t:') && region.usesTags)) return true;
    }
    return false;
  }

  get size(): number {
    return this.keys.size + this.marks.size;
  }

  close(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private schedule(): void {
    if (this.timer !== null) return;
    this.timer = this.clock.after(this.retryMs, () => void this.retry());
  }

  private async retry(): Promise<void> {
    try {
      for (const mark of [...this.marks]) {
        await this.deliver({ kind: 'mark', mark });
        this.marks.delete(mark);
      }
      for (const eviction of [...this.keys.values()]) {
        await this.deliver(eviction);
        // an eviction of the same key that failed meanwhile is another object, and stays
        if (this.keys.get(eviction.key.entry) === eviction) this.keys.delete(eviction.key.entry);
      }
      this.retryMs = FIRST_RETRY_MS;
    } catch {
      this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
    }
    if (this.timer === null) return; // closed meanwhile
    this.timer = null;
    if (this.size > 0) this.schedule();
  }
}
