import { LRUCache } from 'lru-cache';

interface Expiring {
  /** Server time, µs, from which it is gone. */
  readonly expiresAtMicros: number;
}

/**
 * A map whose values end by time, bounded in number: over the bound the one that was not used for longest goes.
 *
 * What has ended is never given out. It is dropped when it is looked up, and by a sweep each time as many values were
 * set as the last sweep left, so that a write costs a constant amount on average and the ended never outnumber the
 * others by far.
 */
export class ExpiringMap<V extends Expiring> {
  private readonly values: LRUCache<string, V>;
  private setsUntilSweep = MIN_SWEEP_INTERVAL;

  /** @param onPushedOut told of each value that went because of the bound, not of those that ended */
  constructor(maxEntries: number, onPushedOut: (value: V) => void = () => {}) {
    // by size, each counting as one: a bound by number would take the memory for all of them at once
    this.values = new LRUCache({
      maxSize: maxEntries,
      sizeCalculation: () => 1,
      dispose: (value, _key, reason) => {
        if (reason === 'evict') onPushedOut(value);
      },
    });
  }

  get size(): number {
    return this.values.size;
  }

  get(key: string, nowMicros: number): V | undefined {
    const value = this.values.get(key);
    if (value === undefined || nowMicros < value.expiresAtMicros) return value;
    this.values.delete(key);
    return undefined;
  }

  set(key: string, value: V, nowMicros: number): void {
    this.values.set(key, value);
    this.setsUntilSweep -= 1;
    if (this.setsUntilSweep <= 0) this.sweep(nowMicros);
  }

  delete(key: string): void {
    this.values.delete(key);
  }

  clear(): void {
    this.values.clear();
  }

  /** All values as they stand, least used first: `restore` of them gives the same map. */
  dump(): readonly (readonly [string, V])[] {
    const pairs: (readonly [string, V])[] = [];
    this.values.rforEach((value, key) => pairs.push([key, value]));
    return pairs;
  }

  restore(dump: readonly (readonly [string, V])[]): void {
    this.values.clear();
    for (const [key, value] of dump) this.values.set(key, value);
  }

  private sweep(nowMicros: number): void {
    const ended: string[] = [];
    for (const [key, value] of this.values.entries()) if (nowMicros >= value.expiresAtMicros) ended.push(key);
    for (const key of ended) this.values.delete(key);
    this.setsUntilSweep = this.values.size + MIN_SWEEP_INTERVAL;
  }
}

const MIN_SWEEP_INTERVAL = 1_000;
