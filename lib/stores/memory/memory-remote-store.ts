import { CacheError } from '../../shared/errors.js';
import type { CacheKey } from '../../keys/cache-key.js';
import type { Mark } from '../channel.js';
import type {
  BucketPosition,
  EvictArgs,
  FenceArgs,
  FillArgs,
  FillOutcome,
  LeaseArgs,
  PlainRead,
  PollReply,
  PutArgs,
  PutOutcome,
  ReadArgs,
  ReadOrLease,
  RemoteStore,
  StampArgs,
  Stamped,
  Stood,
  UnfenceArgs,
} from '../remote-store.js';
import type { Bucket, ServerProcess } from './bucket.js';
import { evict, fence, softEvict, stamp, unfence } from './invalidations.js';
import { fill, readOrLease, release, renew } from './leases.js';
import type { MemoryServer } from './memory-server.js';
import { put } from './puts.js';
import { handOut } from './stored-payload.js';

/**
 * L2 without a server: the rules of PROTOCOL 2 to 4 on a {@link MemoryServer}, which several stores may share.
 *
 * It is always reachable, so that no call rejects before `close`.
 */
export class MemoryRemoteStore implements RemoteStore {
  readonly bucketCount: number;
  /** By bucket: the highest incarnation in any reply, plain reads included. */
  private readonly knownIncarnations: number[];
  /** The process on which this store has polled. */
  private identifiedOn: ServerProcess | null = null;
  private isClosed = false;

  constructor(private readonly server: MemoryServer) {
    this.bucketCount = server.bucketCount;
    this.knownIncarnations = Array.from({ length: this.bucketCount }, () => 0);
  }

  async open(): Promise<void> {
    for (let bucket = 0; bucket < this.bucketCount; bucket++) await this.poll({ bucket, marks: [] });
  }

  async read({ key, binary }: ReadArgs): Promise<PlainRead> {
    const bucket = this.openBucket(key.bucket);
    const isIdentified = this.identifiedOn === this.server.process;
    // as a connection that became ready anew: this read is not identified, the next one is
    if (!isIdentified) queueMicrotask(() => void this.poll({ bucket: key.bucket, marks: [] }).catch(() => {}));
    const { incarnation, sequence, markSequence } = bucket;
    this.knownIncarnations[key.bucket] = Math.max(this.knownIncarnations[key.bucket]!, incarnation);
    const entry = bucket.valueOf(key.entry, this.server.nowMicros())?.entry;
    return {
      identified: isIdentified,
      position: bucket.exists ? { incarnation, sequence, markSequence } : null,
      entry: entry ? handOut(entry, binary) : null,
      foreign: false,
    };
  }

  async readOrLease(args: LeaseArgs): Promise<ReadOrLease> {
    return this.run(args.key.bucket, (bucket, nowMicros) => readOrLease(bucket, args, nowMicros));
  }

  async fill(args: FillArgs): Promise<FillOutcome> {
    return this.run(args.key.bucket, (bucket, nowMicros) => fill(bucket, args, nowMicros));
  }

  async release({ key, token }: { key: CacheKey; token: string }): Promise<void> {
    return this.run(key.bucket, (bucket, nowMicros) => release(bucket, key.entry, token, nowMicros));
  }

  async renew(args: { key: CacheKey; token: string; leaseMs: number; keepMs: number }): Promise<boolean> {
    return this.run(args.key.bucket, (bucket, nowMicros) => renew(bucket, args.key.entry, args, nowMicros));
  }

  async evict({ keys, versions = [], marks = [], tombstoneMs }: EvictArgs): Promise<Stamped> {
    return this.run(bucketOf(keys), (bucket, nowMicros) => {
      const stampSet = marks.length > 0 ? stamp(bucket, marks, nowMicros) : 0;
      keys.forEach(({ entry }, n) => evict(bucket, entry, { version: versions[n] ?? '', tombstoneMs }, nowMicros));
      return { ...bucket.position, stamp: stampSet };
    });
  }

  async softEvict({ keys, tombstoneMs }: { keys: readonly CacheKey[]; tombstoneMs: number }): Promise<BucketPosition> {
    return this.run(bucketOf(keys), (bucket, nowMicros) => {
      for (const { entry } of keys) softEvict(bucket, entry, tombstoneMs, nowMicros);
      return bucket.position;
    });
  }

  async fence(args: FenceArgs): Promise<BucketPosition> {
    return this.run(bucketOf(args.keys), (bucket, nowMicros) => {
      for (const { entry } of args.keys) fence(bucket, entry, args, nowMicros);
      return bucket.position;
    });
  }

  async unfence(args: UnfenceArgs): Promise<BucketPosition & Stood> {
    return this.run(bucketOf(args.keys), (bucket, nowMicros) => {
      const stood = args.keys.map(({ entry }) => unfence(bucket, entry, args, nowMicros));
      return { ...bucket.position, stood: !stood.includes(false) };
    });
  }

  async put(args: PutArgs): Promise<PutOutcome> {
    return this.run(args.key.bucket, (bucket, nowMicros) => put(bucket, args, nowMicros));
  }

  async stamp({ bucket: index, marks, hold = '', holdMs = 0 }: StampArgs): Promise<Stamped & Stood> {
    return this.run(index, (bucket, nowMicros) => {
      const stood = hold !== '' && bucket.holds.change(marks, hold, holdMs, nowMicros);
      const set = stamp(bucket, marks, nowMicros);
      return { ...bucket.position, stamp: set, stood };
    });
  }

  async poll(args: { bucket: number; marks: readonly Mark[] }): Promise<PollReply> {
    const reply = this.run(args.bucket, (bucket, nowMicros) => ({
      ...bucket.poll(nowMicros),
      stamps: args.marks.map((mark) => bucket.marks.stampOf(mark)),
    }));
    this.identifiedOn = this.server.process;
    return reply;
  }

  async inspect(): Promise<[]> {
    return [];
  }

  witnesses(): readonly number[] {
    return [0];
  }

  endpoints(): readonly [] {
    return [];
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  private run<R>(index: number, operation: (bucket: Bucket, nowMicros: number) => R): R {
    const bucket = this.openBucket(index);
    const nowMicros = this.server.nowMicros();
    bucket.identify(this.knownIncarnations[index]!, nowMicros);
    this.knownIncarnations[index] = bucket.incarnation;
    return operation(bucket, nowMicros);
  }

  private openBucket(index: number): Bucket {
    if (this.isClosed) {
      throw new CacheError(
        'RC_CLOSED',
        'The embedded store was closed and takes no more calls. Make no call after close().',
      );
    }
    return this.server.bucket(index);
  }
}

/** @throws RangeError for no keys, or keys of several buckets: those are calls that no driver can answer */
function bucketOf(keys: readonly CacheKey[]): number {
  const bucket = keys[0]?.bucket;
  if (bucket === undefined || keys.some((key) => key.bucket !== bucket)) {
    throw new RangeError('An eviction takes at least one key, all of one bucket.');
  }
  return bucket;
}
