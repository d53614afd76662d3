import type { ChannelMessage } from '../channel.js';
import {
  Bucket,
  type BucketDump,
  type BucketServer,
  type ServerProcess,
  type SideRecord,
  type StoredValue,
} from './bucket.js';
import { ExpiringMap } from './expiring-map.js';

export interface MemoryServerOptions {
  /** Server time, µs since the epoch, whole numbers; never steps back. Default: the time of this process. */
  readonly nowMicros?: () => number;
  /** How many entries are kept at most; over it the one that was not used for longest goes. Default 100,000. */
  readonly maxEntries?: number;
  /** Default 1. */
  readonly bucketCount?: number;
}

/** All of a server's data at one moment. */
export interface ServerDump {
  readonly values: readonly (readonly [string, StoredValue])[];
  readonly sides: readonly (readonly [string, SideRecord])[];
  readonly buckets: readonly BucketDump[];
}

type Listener = (message: ChannelMessage) => void;

/**
 * What Redis is to the other driver: the one place that all stores and channels of a cache share. Every operation on it
 * is atomic, since each runs in one turn without a wait.
 *
 * It can be restarted, rolled back and flushed as a real server can, so that tests of what happens then need none.
 */
export class MemoryServer implements BucketServer {
  readonly values: ExpiringMap<StoredValue>;
  readonly sides: ExpiringMap<SideRecord>;
  readonly nowMicros: () => number;
  private currentProcess: ServerProcess = { bootId: 1, sequences: new Map() };
  private buckets: Bucket[];
  private lastIncarnation = 0;
  private readonly listeners = new Set<Listener>();

  constructor(options: MemoryServerOptions = {}) {
    const { nowMicros = processMicros, maxEntries = 100_000, bucketCount = 1 } = options;
    this.nowMicros = nowMicros;
    this.values = new ExpiringMap(maxEntries);
    this.sides = new ExpiringMap(maxEntries, (side) => this.onTombstonePushedOut(side));
    this.buckets = this.emptyBuckets(bucketCount);
  }

  get bucketCount(): number {
    return this.buckets.length;
  }

  get process(): ServerProcess {
    return this.currentProcess;
  }

  bucket(index: number): Bucket {
    const bucket = this.buckets[index];
    if (!bucket) throw new RangeError(`There is no bucket ${index}: this server has ${this.bucketCount}.`);
    return bucket;
  }

  nextIncarnation(atLeast: number): number {
    this.lastIncarnation = Math.max(atLeast, this.lastIncarnation + 1);
    return this.lastIncarnation;
  }

  /** Delivers later, in order, to those who listen now and still do then. */
  publish(message: ChannelMessage): void {
    Object.freeze(message);
    for (const listener of this.listeners) {
      queueMicrotask(() => {
        if (this.listeners.has(listener)) listener(message);
      });
    }
  }

  /** @returns what ends the subscription */
  subscribe(listener: Listener): () => void {
    const own: Listener = (message) => listener(message);
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }

  /** Another process serves the same data from now on, as after a restart with all of it on disk. */
  restart(): void {
    this.currentProcess = { bootId: this.currentProcess.bootId + 1, sequences: new Map() };
  }

  dump(): ServerDump {
    return {
      values: this.values.dump(),
      sides: this.sides.dump(),
      buckets: this.buckets.map((bucket) => bucket.dump()),
    };
  }

  /** The data is what it was then, as after a failover to a replica that had not received the last writes. */
  rollBack(dump: ServerDump): void {
    this.values.restore(dump.values);
    this.sides.restore(dump.sides);
    this.buckets.forEach((bucket, index) => bucket.restore(dump.buckets[index]!));
  }

  /** Everything is lost, as after FLUSHALL. */
  flush(): void {
    this.values.clear();
    this.sides.clear();
    this.buckets = this.emptyBuckets(this.bucketCount);
  }

  private emptyBuckets(count: number): Bucket[] {
    return Array.from({ length: count }, (_, index) => new Bucket(index, this));
  }

  /**
   * A lost lease is safe. For a lost tombstone, versioned puts are refused as after a clear, until it would have ended.
   */
  private onTombstonePushedOut({ lowestVersion, invalidatedAtMicros, expiresAtMicros }: SideRecord): void {
    const nowMicros = this.nowMicros();
    if (nowMicros >= expiresAtMicros || (lowestVersion === '' && invalidatedAtMicros === 0)) return;
    for (const { marks } of this.buckets) marks.allClearedAtMicros = Math.max(marks.allClearedAtMicros, nowMicros);
  }
}

/** Monotonic: a step of the wall clock after the start does not move it. */
function processMicros(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1_000);
}
