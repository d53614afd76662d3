import type { Payload, StoredEntry } from '../../entries/stored-entry.js';
import type { CacheKey } from '../../keys/cache-key.js';
import { Keyspace } from '../../keys/keyspace.js';
import { CacheError } from '../../shared/errors.js';
import type { Mark } from '../channel.js';
import type {
  BucketPosition,
  EntryArgs,
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
  UnfenceArgs,
} from '../remote-store.js';
import { withTimeout } from './deadline.js';
import { escapeText, parseEntry } from './entry-header.js';
import type { FunctionVerb } from './functions/protocol-version.js';
import { redirectOf, unavailable } from './redis-errors.js';
import type { Argument, FunctionReply, RedisNode } from './redis-node.js';
import type { RedisTopology } from './redis-topology.js';

/** How often a function is sent again while its slot is on the way, and how long between. */
const LATER_ATTEMPTS = 4;
const LATER_MS = 25;

export interface RedisRemoteStoreOptions {
  readonly topology: RedisTopology;
  readonly keyspace: Keyspace;
  /** Bound of one step, ms. */
  readonly timeoutMs: number;
  /** How long a mark's stamp is kept by itself, ms: as long as the longest an entry lives. Later it merges into the clear stamp. */
  readonly stampLifetimeMs: number;
  /** Checks that the server can do what is needed; see preflight.ts. */
  readonly preflight: () => Promise<void>;
}

/**
 * L2 on Redis >= 7.0 or Valkey: the coherence protocol as a library of Redis Functions, hits as plain reads.
 *
 * Times go out as whole milliseconds, at least 1 where 0 would mean "for ever" or "not at all".
 */
export class RedisRemoteStore implements RemoteStore {
  readonly bucketCount: number;
  private isClosed = false;

  constructor(private readonly options: RedisRemoteStoreOptions) {
    this.bucketCount = options.keyspace.bucketCount;
  }

  async open(): Promise<void> {
    await this.options.preflight();
  }

  // not async: the hot path makes one promise per read
  read({ key, binary }: ReadArgs): Promise<PlainRead> {
    try {
      return this.nodeOf(key.bucket, 'a read').read(key.bucket, key.entry, binary);
    } catch (error) {
      return Promise.reject(error as CacheError);
    }
  }

  async readOrLease(args: LeaseArgs): Promise<ReadOrLease> {
    const { key, region, binary, token, leaseMs, keepMs, force, onFailover = 'flush' } = args;
    const reply = await this.invoke(
      'getl',
      key.bucket,
      pairOf(key),
      [positiveMs(leaseMs), wholeMs(keepMs), onFailover, token, escapeText(region), force ? '1' : ''],
      binary,
    );
    const [incarnation, sequence, now, answer] = reply as [number, number, unknown, unknown[]];
    const position = { incarnation, sequence, nowMicros: Number(now) };
    const [kind, raw, remainingMs] = answer;
    switch (String(kind)) {
      case 'H': {
        const entry = entryOf(raw);
        // the functions found a header, so only an encoding fault leads here: treated as damaged, a load without a lease
        return entry === null ? { ...position, kind: 'fenced' } : { ...position, kind: 'hit', entry };
      }
      case 'L':
        return { ...position, kind: 'lease', stale: entryOf(raw) };
      case 'W':
        return { ...position, kind: 'held', stale: entryOf(raw), remainingMs: Number(remainingMs) };
      default:
        return { ...position, kind: 'fenced' };
    }
  }

  async fill(args: FillArgs): Promise<FillOutcome> {
    const { key, token } = args;
    const reply = await this.invoke('fill', key.bucket, pairOf(key), [token, ...entryArguments(args)]);
    const [incarnation, sequence, now, [kind, detail]] = reply as [number, number, unknown, unknown[]];
    if (kind === 'OK') return { incarnation, sequence, kind: 'filled', stamp: Number(detail), nowMicros: Number(now) };
    return { incarnation, sequence, kind: 'refused', reason: detail as 'lease' };
  }

  async release({ key, token }: { key: CacheKey; token: string }): Promise<void> {
    await this.invoke('release', key.bucket, pairOf(key), [token]);
  }

  async renew(args: { key: CacheKey; token: string; leaseMs: number; keepMs: number }): Promise<boolean> {
    const { key, token, leaseMs, keepMs } = args;
    const reply = await this.invoke('renew', key.bucket, pairOf(key), [token, positiveMs(leaseMs), wholeMs(keepMs)]);
    return Number(reply[2]) === 1;
  }

  async evict({ keys, versions = [], marks = [], tombstoneMs }: EvictArgs): Promise<Stamped> {
    const bucket = bucketOf(keys);
    return this.stamped(
      'evict',
      bucket,
      [this.options.keyspace.collectKey(bucket), ...keys.flatMap(pairOf)],
      [
        positiveMs(tombstoneMs),
        positiveMs(this.options.stampLifetimeMs),
        ...keys.map((_, n) => versions[n] ?? ''),
        ...marks.map(escapeText),
      ],
    );
  }

  async softEvict({ keys, tombstoneMs }: { keys: readonly CacheKey[]; tombstoneMs: number }): Promise<BucketPosition> {
    return this.position('soft_evict', bucketOf(keys), keys.flatMap(pairOf), [positiveMs(tombstoneMs)]);
  }

  async fence({ keys, fence, fenceMs, tombstoneMs }: FenceArgs): Promise<BucketPosition> {
    const bucket = bucketOf(keys);
    const names = [this.options.keyspace.collectKey(bucket), ...keys.flatMap(pairOf)];
    return this.position('fence', bucket, names, [escapeText(fence), positiveMs(fenceMs), positiveMs(tombstoneMs)]);
  }

  async unfence({ keys, fence, tombstoneMs }: UnfenceArgs): Promise<BucketPosition> {
    const args = [escapeText(fence), positiveMs(tombstoneMs)];
    return this.position('unfence', bucketOf(keys), keys.flatMap(pairOf), args);
  }

  async put(args: PutArgs): Promise<PutOutcome> {
    const { key, fence, tombstoneMs } = args;
    const reply = await this.invoke('put', key.bucket, pairOf(key), [
      escapeText(fence),
      positiveMs(tombstoneMs),
      ...entryArguments(args),
    ]);
    const [incarnation, sequence, kind] = reply as [number, number, PutOutcome['kind']];
    return { incarnation, sequence, kind };
  }

  async stamp({ bucket, marks, hold = '', holdMs = 0 }: StampArgs): Promise<Stamped> {
    return this.stamped(
      'mark',
      bucket,
      [this.options.keyspace.collectKey(bucket)],
      [
        positiveMs(this.options.stampLifetimeMs),
        escapeText(hold),
        holdMs > 0 ? positiveMs(holdMs) : 0,
        ...marks.map(escapeText),
      ],
    );
  }

  async poll({ bucket, marks }: { bucket: number; marks: readonly Mark[] }): Promise<PollReply> {
    const [incarnation, sequence, ...rest] = await this.invoke('poll', bucket, [], marks.map(escapeText));
    const [markSequence, stampClock, nowMicros, earlier, ...stamps] = rest;
    return {
      incarnation,
      sequence,
      markSequence: Number(markSequence),
      stampClock: Number(stampClock),
      nowMicros: Number(nowMicros),
      earlierIncarnations: String(earlier).split(',').filter(Boolean).map(Number),
      stamps: stamps.map(Number),
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.options.topology.close();
  }

  private async stamped(verb: FunctionVerb, bucket: number, keys: string[], args: Argument[]): Promise<Stamped> {
    const [incarnation, sequence, stamp] = await this.invoke(verb, bucket, keys, args);
    return { incarnation, sequence, stamp: Number(stamp) };
  }

  private async position(
    verb: FunctionVerb,
    bucket: number,
    keys: string[],
    args: Argument[],
  ): Promise<BucketPosition> {
    const [incarnation, sequence] = await this.invoke(verb, bucket, keys, args);
    return { incarnation, sequence };
  }

  /** Sends again only what is known not to have run: a call that was redirected. */
  private async invoke(
    verb: FunctionVerb,
    bucket: number,
    keys: readonly string[],
    args: readonly Argument[],
    isBinary = false,
  ): Promise<FunctionReply> {
    let moved = false;
    for (let attempt = 1; ; attempt++) {
      const node = this.nodeOf(bucket, verb);
      try {
        return await node.invoke(verb, bucket, keys, args, isBinary);
      } catch (error) {
        const redirect = redirectOf(error);
        if (redirect !== null) node.distrust(bucket);
        if (redirect === 'owner' && !moved && (await this.isRefreshed())) {
          moved = true;
        } else if (redirect === 'later' && attempt < LATER_ATTEMPTS && this.bucketCount > 1) {
          await new Promise((resolve) => setTimeout(resolve, LATER_MS * attempt));
        } else {
          throw unavailable(verb, describeFailure(error, node));
        }
      }
    }
  }

  /** A slow refresh goes on, and the call without it. */
  private async isRefreshed(): Promise<boolean> {
    const { topology, timeoutMs } = this.options;
    return withTimeout(topology.refresh(), timeoutMs).catch(() => false);
  }

  private nodeOf(bucket: number, operation: string): RedisNode {
    if (this.isClosed) throw new CacheError('RC_CLOSED', `The cache was closed; ${operation} came after that.`);
    const node = this.options.topology.nodeOf(bucket);
    if (node === null || node.isDown) {
      throw unavailable(operation, node?.lastError ?? this.options.topology.lastError ?? new Error('no connection'));
    }
    return node;
  }
}

/** ioredis rejects with "Connection is closed"; the reason stands in the last error event. */
function describeFailure(error: unknown, node: RedisNode): unknown {
  const { lastError } = node;
  if (node.isReady || lastError === null || !(error instanceof Error)) return error;
  return new Error(`${error.message} (${lastError.message})`, { cause: error });
}

const pairOf = (key: CacheKey): string[] => [key.entry, Keyspace.sideKey(key.entry)];

function bucketOf(keys: readonly CacheKey[]): number {
  const bucket = keys[0]?.bucket ?? 0;
  if (keys.some((key) => key.bucket !== bucket)) throw new RangeError('all keys of one call must be of one bucket');
  return bucket;
}

function entryArguments(args: EntryArgs & { region: string }): Argument[] {
  return [
    escapeText(args.region),
    args.tags.map(escapeText).join(','),
    args.version,
    wholeMs(args.loadMicros),
    positiveMs(args.ttlMs),
    wholeMs(args.staleMs),
    args.format,
    args.payload,
  ];
}

function entryOf(raw: unknown): StoredEntry | null {
  return typeof raw === 'string' || Buffer.isBuffer(raw) ? parseEntry(raw as Payload) : null;
}

const MAX_WHOLE = 10 ** 15;
const wholeMs = (ms: number): number => Math.min(MAX_WHOLE, Math.max(0, Math.round(ms)));
const positiveMs = (ms: number): number => Math.max(1, wholeMs(ms));
