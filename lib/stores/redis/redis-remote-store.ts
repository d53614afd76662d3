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
import { bucketOf, entryArguments, entryOf, pairOf, positiveMs, wholeMs } from './function-arguments.js';
import { listIn, numberIn, wordIn } from './function-reply.js';
import { LostLeases } from './lost-leases.js';
import type { RedisTopology } from './redis-topology.js';
import { TurnCalls } from './turn-calls.js';
import { ServerReports } from './server-reports.js';
import { type StoreCall, StoreCalls } from './store-calls.js';

export interface RedisRemoteStoreOptions {
  readonly topology: RedisTopology;
  readonly keyspace: Keyspace;
  /** Bound of one step, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly endpoints: Endpoints;
  /** How long a mark's stamp is kept by itself, ms: as long as the longest an entry lives. Later it merges into the clear stamp. */
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
  private readonly lostLeases = new LostLeases();
  private readonly reports = new ServerReports();
  private readonly calls: StoreCalls;
  /** Before `open` nobody asks. */
  private isChecked = true;

  private readonly leases = new TurnCalls<LeaseArgs, ReadOrLease>({
    groupOf: leaseGroupOf,
    weightOf: () => 0,
    send: (all) => this.askAll(all),
  });
  private readonly fills = new TurnCalls<FillArgs, FillOutcome>({
    groupOf: ({ key }) => String(key.bucket),
    weightOf: ({ payload }) => payload.length,
    send: (all) => this.fillAll(all),
  });

  constructor(private readonly options: RedisRemoteStoreOptions) {
    this.bucketCount = options.keyspace.bucketCount;
    this.calls = new StoreCalls({ ...options, bucketCount: this.bucketCount });
  }

  async open(): Promise<void> {
    this.isChecked = await this.options.preflight();
  }

  // not async: the hot path makes one promise per read
  read({ key, binary }: ReadArgs): Promise<PlainRead> {
    try {
      return this.calls.nodeOf(key.bucket, 'a read').read(key.bucket, key.entry, binary);
    } catch (error) {
      return Promise.reject(error as CacheError);
    }
  }

  readOrLease(args: LeaseArgs): Promise<ReadOrLease> {
    return this.leases.add(args);
  }

  fill(args: FillArgs): Promise<FillOutcome> {
    return this.fills.add(args);
  }

  async release({ key, token }: { key: CacheKey; token: string }): Promise<void> {
    await this.calls.invoke({ verb: 'release', bucket: key.bucket, keys: pairOf(key), args: [token] }, () => {});
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
    const token = [escapeText(fence), positiveMs(tombstoneMs)];
    const call = {
      verb: 'put',
      bucket: key.bucket,
      keys: pairOf(key),
      args: [...token, ...entryArguments(args)],
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
    for (const lease of this.lostLeases.due(bucket, this.options.clock.now())) this.giveUp(lease);
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

  /** @param all of one bucket, and alike in what {@link leaseGroupOf} says */
  private async askAll(all: readonly LeaseArgs[]): Promise<readonly ReadOrLease[]> {
    const { lostLeases } = this;
    const [{ key, binary, leaseMs, keepMs, onFailover = 'flush' }] = all as [LeaseArgs];
    const call: StoreCall = {
      verb: 'getl',
      bucket: key.bucket,
      keys: all.flatMap((one) => pairOf(one.key)),
      args: [
        positiveMs(leaseMs),
        wholeMs(keepMs),
        onFailover,
        ...all.flatMap(({ token, region, force }) => [token, escapeText(region), force ? '1' : '']),
      ],
      isBinary: binary,
      onLateReply: ([, , , ...answers]) =>
        all.forEach((one, n) => {
          lostLeases.forget(one.token);
          if (isGranted(answers[n])) this.giveUp(one);
        }),
      onUnknown: () => {
        for (const one of all) lostLeases.add(one.key, one.token, this.options.clock.now() + leaseMs);
      },
    };
    return this.calls.invoke(call, ([incarnation, sequence, now, ...answers]) => {
      const position = { incarnation, sequence, nowMicros: numberIn(now) };
      return all.map((_, n) => readOrLeaseOf(position, answers[n]));
    });
  }

  /** @param all of one bucket */
  private async fillAll(all: readonly FillArgs[]): Promise<readonly FillOutcome[]> {
    const call = {
      verb: 'fill',
      bucket: all[0]!.key.bucket,
      keys: all.flatMap(({ key }) => pairOf(key)),
      args: all.flatMap((one) => [one.token, ...entryArguments(one)]),
    } as const;
    return this.calls.invoke(call, ([incarnation, sequence, now, ...answers]) =>
      all.map((_, n): FillOutcome => {
        const [kind, detail] = listIn(answers[n]);
        return kind === 'OK'
          ? { incarnation, sequence, kind: 'filled', stamp: numberIn(detail), nowMicros: numberIn(now) }
          : { incarnation, sequence, kind: 'refused', reason: wordIn(detail, REFUSALS) };
      }),
    );
  }

  /** In the background, and once: a lease that could not be released ends by itself. */
  private giveUp(lease: { key: CacheKey; token: string }): void {
    if (!this.calls.isClosed) this.release(lease).catch(() => {});
  }

  private async position(call: StoreCall): Promise<BucketPosition> {
    return this.calls.invoke(call, ([incarnation, sequence]) => ({ incarnation, sequence }));
  }
}

const REFUSALS = ['lease', 'incarnation', 'mark', 'version'] as const;

/** Whether this answer of GETL grants a lease. */
function isGranted(answer: unknown): boolean {
  return Array.isArray(answer) && String(answer[0]) === 'L';
}

/** What reads must have in common to be asked in one call. */
function leaseGroupOf({ key, binary, leaseMs, keepMs, onFailover }: LeaseArgs): string {
  return `${key.bucket} ${binary} ${leaseMs} ${keepMs} ${onFailover}`;
}

function readOrLeaseOf(position: BucketPosition & { nowMicros: number }, answer: unknown): ReadOrLease {
  const [kind, raw, remainingMs] = listIn(answer);
  switch (wordIn(kind, ['H', 'L', 'W', 'B'])) {
    case 'H': {
      const entry = entryOf(raw);
      // the functions found a header, so only an encoding fault leads here: treated as damaged, a load without a lease
      return entry === null ? { ...position, kind: 'fenced' } : { ...position, kind: 'hit', entry };
    }
    case 'L':
      return { ...position, kind: 'lease', stale: entryOf(raw) };
    case 'W':
      return { ...position, kind: 'held', stale: entryOf(raw), remainingMs: numberIn(remainingMs) };
    case 'B':
      return { ...position, kind: 'fenced' };
  }
}
