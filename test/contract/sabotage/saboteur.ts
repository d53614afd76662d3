import type { CacheKey } from '../../../lib/keys/cache-key.js';
import type { Bucket, Lease, SideRecord, StoredValue } from '../../../lib/stores/memory/bucket.js';
import { Fences } from '../../../lib/stores/memory/fences.js';
import { Holds } from '../../../lib/stores/memory/holds.js';
import type { MemoryServer } from '../../../lib/stores/memory/memory-server.js';
import { valueToStore } from '../../../lib/stores/memory/stored-payload.js';
import type { BucketPosition, EntryArgs, RemoteStore } from '../../../lib/stores/remote-store.js';

/** One broken promise, and tests that must notice it (others may, too). */
export interface Sabotage {
  readonly name: string;
  readonly caughtBy: readonly string[];
  /** The methods that differ; the rest is the honest store's. */
  breaks(store: RemoteStore, hands: Hands): Partial<RemoteStore>;
}

/** `honest`, with other methods where there are any. Its own calls of itself stay honest. */
export function overridden<T extends object>(honest: T, overrides: Partial<T>): T {
  return new Proxy(honest, {
    get(target, name) {
      const value: unknown = Reflect.get(overrides, name) ?? Reflect.get(target, name);
      return typeof value === 'function' && !Object.hasOwn(overrides, name) ? value.bind(target) : value;
    },
  });
}

/** What a saboteur does to the server behind the store's back. */
export class Hands {
  constructor(readonly server: MemoryServer) {}

  get now(): number {
    return this.server.nowMicros();
  }

  bucket(key: CacheKey): Bucket {
    return this.server.bucket(key.bucket);
  }

  side(key: CacheKey): SideRecord {
    return this.bucket(key).sideOf(key.entry, this.now);
  }

  lease(key: CacheKey): Lease | null {
    return this.side(key).lease;
  }

  setLease(key: CacheKey, lease: Lease | null): void {
    if (lease) this.bucket(key).setLease(key.entry, lease, this.now + 60_000_000, this.now);
  }

  setSide(key: CacheKey, change: Partial<SideRecord>): void {
    const side = this.side(key);
    if (side.expiresAtMicros > this.now) this.server.sides.set(key.entry, { ...side, ...change }, this.now);
  }

  value(key: CacheKey): StoredValue | undefined {
    return this.bucket(key).valueOf(key.entry, this.now);
  }

  setValue(key: CacheKey, value: StoredValue | undefined): void {
    if (value) this.bucket(key).setValue(key.entry, value, this.now);
  }

  /** Writes without a proof. */
  write(key: CacheKey, args: EntryArgs): { stamp: number; nowMicros: number } {
    const bucket = this.bucket(key);
    const stamp = bucket.marks.next;
    this.setValue(key, valueToStore(args, { stamp, incarnation: bucket.incarnation }, this.now));
    return { stamp, nowMicros: this.now };
  }

  /** The record of a key's fences, as the bucket holds it. */
  fences(key: CacheKey): { writes: number; byToken: Map<string, Record<string, unknown>> } | undefined {
    return (this.bucket(key).fences as unknown as FencesInside).byKey.get(key.entry);
  }

  /** The records of all fenced keys in the bucket of `key`. */
  allFences(key: CacheKey): Iterable<{ writes: number }> {
    return (this.bucket(key).fences as unknown as FencesInside).byKey.values();
  }

  dropFences(key: CacheKey): void {
    (this.bucket(key).fences as unknown as FencesInside).byKey.delete(key.entry);
  }

  changeFence(key: CacheKey, token: string, change: Record<string, unknown>): void {
    const fences = this.fences(key);
    const fence = fences?.byToken.get(token);
    if (fence) fences!.byToken.set(token, { ...fence, ...change });
  }

  async withoutFences<T>(key: CacheKey, action: () => Promise<T>): Promise<T> {
    const bucket = this.bucket(key);
    const { fences } = bucket;
    bucket.fences = new Fences();
    const result = action();
    bucket.fences = fences;
    return result;
  }

  async withoutHolds<T>(key: CacheKey, action: () => Promise<T>): Promise<T> {
    const bucket = this.bucket(key);
    const { holds } = bucket;
    bucket.holds = new Holds();
    const result = action();
    bucket.holds = holds;
    return result;
  }

  /** Takes one back from the sequence, as if the operation had not counted. */
  uncount<T extends BucketPosition>(key: CacheKey, reply: T): T {
    const bucket = this.bucket(key);
    bucket.sequence -= 1;
    this.server.process.sequences.set(key.bucket, bucket.sequence);
    return { ...reply, sequence: bucket.sequence };
  }

  /** Nothing that is published meanwhile is sent. */
  async silently<T>(action: () => Promise<T>): Promise<T> {
    const { server } = this;
    server.publish = () => {};
    const result = action();
    server.publish = Object.getPrototypeOf(server).publish;
    return result;
  }
}

interface FencesInside {
  byKey: Map<string, { writes: number; byToken: Map<string, Record<string, unknown>> }>;
}
