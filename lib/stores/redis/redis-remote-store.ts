import type { CacheKey } from '../../keys/cache-key.js';
import type { Keyspace } from '../../keys/keyspace.js';
import type { Clock } from '../../shared/clock.js';
import type { CacheError } from '../../shared/errors.js';
import type { Mark } from '../channel.js';
import type {
  BucketPosition,
  EndpointStatus,
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
  ServerReport,
  StampArgs,
  Stamped,
  Stood,
  UnfenceArgs,
} from '../remote-store.js';
import type { Endpoints } from './endpoints.js';
import { escapeText } from './entry-header.js';
import { bucketOf, entryArguments, pairOf, positiveMs, wholeMs } from './function-arguments.js';
import { numberIn, wordIn } from './function-reply.js';
import { LeaseCalls } from './lease-calls.js';
import type { RedisTopology } from './redis-topology.js';
import { ServerReports } from './server-reports.js';
import { type StoreCall, StoreCalls } from './store-calls.js';

export interface RedisRemoteStoreOptions {
  readonly topology: RedisTopology;
  readonly keyspace: Keyspace;
  /** Bound of one step, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly endpoints: Endpoints;
  /**
   * How long a mark's stamp is kept by itself, ms: as long as the longest an entry lives. Later it merges into the
   * clear stamp.
   */
  readonly stampLifetimeMs: number;
  /** Checks that the server can do what is needed; see preflight.ts. */
  readonly preflight: () => Promise<boolean>;
  /** The same for a server that was away at the start, once it answers: what it finds is told. Never rejects. */
  readonly lateCheck: () => Promise<boolean>;
}

/**
 * L2 on Redis >= 7.0 or Valkey: the coherence protocol as a library of Redis Functions, hits as plain reads.
 */
export class RedisRemoteStore implements RemoteStore {
  readonly bucketCount: number;
  private readonly reports = new ServerReports();
  private readonly calls: StoreCalls;
  private readonly leases: LeaseCalls;
  /** Before `open` nobody asks. */
  private isChecked = true;

  constructor(private readonly options: RedisRemoteStoreOptions) {
    this.bucketCount = options.keyspace.bucketCount;
    this.calls = new StoreCalls({ ...options, bucketCount: this.bucketCount });
    this.leases = new LeaseCalls(this.calls, options.clock);
  }

  async open(): Promise<void> {
    this.isChecked = await this.options.preflight();
  }

  // not async: the hot path makes one promise per read
  read({ key, binary }: ReadArgs): PromiseLike<PlainRead> {
    try {
      return this.calls.nodeOf(key.bucket, 'a read').read(key.bucket, key.entry, binary);
    } catch (error) {
      return Promise.reject(error as CacheError);
    }
  }

  readOrLease(args: LeaseArgs): Promise<ReadOrLease> {
    return this.leases.ask(args);
  }

  fill(args: FillArgs): Promise<FillOutcome> {
    return this.leases.fill(args);
  }

  release(lease: { key: CacheKey; token: string }): Promise<void> {
    return this.leases.release(lease);
  }

  async renew(args: { key: CacheKey; token: string; leaseMs: number; keepMs: number }): Promise<boolean> {
    const { key, token, leaseMs, keepMs } = args;
    const durations = [positiveMs(leaseMs), wholeMs(keepMs)];
    const call = { verb: 'renew', bucket: key.bucket, keys: pairOf(key), args: [token, ...durations] } as const;
    return this.calls.invoke(call, ([, , stands]) => numberIn(stands) === 1);
  }

  async evict({ keys, versions = [], marks = [], tombstoneMs }: EvictArgs): Promise<Stamped> {
    const bucket = bucketOf(keys);
    const call = {
      verb: 'evict',
      bucket,
      weight: keys.length + marks.length,
      keys: [this.options.keyspace.collectKey(bucket), ...keys.flatMap(pairOf)],
      args: [
        positiveMs(tombstoneMs),
        positiveMs(this.options.stampLifetimeMs),
        ...keys.map((_, n) => versions[n] ?? ''),
        ...marks.map(escapeText),
      ],
    } as const;
    return this.calls.invoke(call, ([incarnation, sequence, stamp]) => ({
      incarnation,
      sequence,
      stamp: numberIn(stamp),
    }));
  }

  async softEvict({ keys, tombstoneMs }: { keys: readonly CacheKey[]; tombstoneMs: number }): Promise<BucketPosition> {
    const args = [positiveMs(tombstoneMs)];
    const weight = keys.length;
    return this.position({ verb: 'soft_evict', bucket: bucketOf(keys), keys: keys.flatMap(pairOf), args, weight });
  }

  async fence({ keys, fence, fenceMs, tombstoneMs }: FenceArgs): Promise<BucketPosition> {
    const bucket = bucketOf(keys);
    const names = [this.options.keyspace.collectKey(bucket), ...keys.flatMap(pairOf)];
    const args = [escapeText(fence), positiveMs(fenceMs), positiveMs(tombstoneMs)];
    return this.position({ verb: 'fence', bucket, keys: names, args, weight: keys.length });
  }

  async unfence({ keys, fence, tombstoneMs }: UnfenceArgs): Promise<BucketPosition & Stood> {
    const args = [escapeText(fence), positiveMs(tombstoneMs)];
    const names = keys.flatMap(pairOf);
    const call = { verb: 'unfence', bucket: bucketOf(keys), keys: names, args, weight: keys.length } as const;
    return this.calls.invoke(call, ([incarnation, sequence, end]) => ({
      incarnation,
      sequence,
      stood: numberIn(end) === 1,
    }));
  }

  async put(args: PutArgs): Promise<PutOutcome> {
    const { key, fence, tombstoneMs } = args;
    const { label, ttlMs, tail } = entryArguments(args);
    const call = {
      verb: 'put',
      bucket: key.bucket,
      keys: pairOf(key),
      args: [escapeText(fence), positiveMs(tombstoneMs), label, ttlMs, tail],
    } as const;
    return this.calls.invoke(call, ([incarnation, sequence, kind]) => ({
      incarnation,
      sequence,
      kind: wordIn(kind, ['stored', 'superseded', 'refused']),
    }));
  }

  async stamp({ bucket, marks, hold = '', holdMs = 0 }: StampArgs): Promise<Stamped & Stood> {
    const { keyspace, stampLifetimeMs } = this.options;
    const times = [positiveMs(stampLifetimeMs), escapeText(hold), holdMs > 0 ? positiveMs(holdMs) : 0];
    const call = {
      verb: 'mark',
      bucket,
      weight: marks.length,
      keys: [keyspace.collectKey(bucket)],
      args: [...times, ...marks.map(escapeText)],
    } as const;
    return this.calls.invoke(call, ([incarnation, sequence, stamp, stood]) => ({
      incarnation,
      sequence,
      stamp: numberIn(stamp),
      stood: numberIn(stood) === 1,
    }));
  }

  async poll({ bucket, marks }: { bucket: number; marks: readonly Mark[] }): Promise<PollReply> {
    const { clock } = this.options;
    const sentAtMs = clock.now();
    const call = { verb: 'poll', bucket, keys: [], args: marks.map(escapeText) } as const;
    const reply = await this.calls.invoke(call, ([incarnation, sequence, ...rest]) => {
      const [markSequence, stampClock, nowMicros, earlier, ...stamps] = rest;
      return {
        incarnation,
        sequence,
        markSequence: numberIn(markSequence),
        stampClock: numberIn(stampClock),
        nowMicros: numberIn(nowMicros),
        earlierIncarnations: String(earlier).split(',').filter(Boolean).map(Number),
        stamps: marks.map((_, n) => numberIn(stamps[n])),
      };
    });
    if (!this.isChecked) {
      this.isChecked = true;
      void this.options.lateCheck().then((isChecked) => (this.isChecked = isChecked));
    }
    this.leases.serverTimes.note(bucket, reply, sentAtMs, clock.now());
    this.leases.releaseLost(bucket);
    return reply;
  }

  witnesses(): readonly number[] {
    return this.options.topology.owners().map(({ buckets }) => buckets[0]!);
  }

  endpoints(): readonly EndpointStatus[] {
    return this.options.endpoints.statuses();
  }

  async inspect(): Promise<readonly ServerReport[]> {
    if (this.calls.isClosed) return [];
    const { topology } = this.options;
    const nodes = new Set(topology.owners().map(({ buckets }) => topology.nodeOf(buckets[0]!)));
    return Promise.all([...nodes].flatMap((node) => (node === null ? [] : [this.reports.of(node)])));
  }

  async close(): Promise<void> {
    this.calls.isClosed = true;
    this.options.topology.close();
  }

  private async position(call: StoreCall): Promise<BucketPosition> {
    return this.calls.invoke(call, ([incarnation, sequence]) => ({ incarnation, sequence }));
  }
}
