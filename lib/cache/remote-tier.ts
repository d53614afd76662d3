import type { CacheKey } from '../keys/cache-key.js';
import type { CacheError } from '../shared/errors.js';
import { keepShape } from '../shared/keep-shape.js';
import type { Mark } from '../stores/channel.js';
import type {
  BucketPosition,
  EvictArgs,
  FenceArgs,
  FillArgs,
  FillOutcome,
  LeaseArgs,
  PlainRead,
  PutArgs,
  PutOutcome,
  ReadArgs,
  ReadOrLease,
  RemoteStore,
  StampArgs,
  Stamped,
  Stood,
  UnfenceArgs,
} from '../stores/remote-store.js';
import type { Coherence } from './coherence.js';
import type { Faults } from './faults.js';

/** Who looks at L2 by a plain read. Methods, not closures: see `SentReads`. */
export interface PlainLooker<V, T> {
  /** What the read says. */
  judge(read: PlainRead): V;
  /** What becomes of that. */
  found(verdict: V): T;
  /** What becomes of CacheError RC_STORE_UNAVAILABLE instead. */
  failed(error: CacheError): T;
}

/** One plain read under way. */
class TierRead<V, T> {
  constructor(
    private readonly coherence: Coherence,
    private readonly faults: Faults,
    private readonly bucket: number,
    private readonly look: PlainLooker<V, T>,
  ) {}

  taken(read: PlainRead): T {
    let verdict: V;
    try {
      if (read.position !== null) this.coherence.observe(this.bucket, read.position);
      verdict = this.look.judge(read);
    } catch (error) {
      return this.failed(error);
    }
    return this.look.found(verdict);
  }

  failed(error: unknown): T {
    // polls find out when its server answers again
    this.coherence.use(this.bucket);
    return this.look.failed(this.faults.cacheErrorOf('A read', error));
  }
}

keepShape(new TierRead(null!, null!, 0, null!));

/**
 * L2 under the protocol's rules, and the only door to it beside `Coherence.poll`.
 *
 * Each method sends, lets `Coherence` observe the reply's position, and applies what Redis acknowledged to this
 * instance's own L1 and reads (G3), before anyone sees the answer. Each rejects with CacheError only:
 * RC_STORE_UNAVAILABLE says that the outcome is unknown. A caller that catches it has one thing left to say: what it
 * does without Redis.
 */
export class RemoteTier {
  constructor(
    private readonly store: RemoteStore,
    private readonly coherence: Coherence,
    private readonly faults: Faults,
  ) {}

  get bucketCount(): number {
    return this.store.bucketCount;
  }

  /** A plain read, on the path of every hit: it makes one promise. */
  read<V, T>(args: ReadArgs, look: PlainLooker<V, T>): Promise<Awaited<T>> {
    const { coherence, faults, store } = this;
    const { bucket } = args.key;
    coherence.use(bucket);
    const read = new TierRead(coherence, faults, bucket, look);
    return store.read(args).then(read.taken.bind(read), read.failed.bind(read)) as Promise<Awaited<T>>;
  }

  readOrLease(args: LeaseArgs): Promise<ReadOrLease> {
    const { bucket } = args.key;
    this.coherence.use(bucket);
    return this.ask('A read', bucket, this.store.readOrLease(args), (reply) => {
      // whatever lets a load begin, also one that may fill nothing: its caller gets what it made
      if (reply.kind !== 'hit') this.coherence.view(bucket).require(reply);
    });
  }

  fill(args: FillArgs): Promise<FillOutcome> {
    return this.ask('A fill', args.key.bucket, this.store.fill(args));
  }

  release(args: { key: CacheKey; token: string }): Promise<void> {
    return this.send('The release of a lease', args.key.bucket, () => this.store.release(args));
  }

  renew(args: { key: CacheKey; token: string; leaseMs: number; keepMs: number }): Promise<boolean> {
    return this.send('The renewal of a lease', args.key.bucket, () => this.store.renew(args));
  }

  evict(args: EvictArgs): Promise<Stamped> {
    return this.remove('An eviction', args.keys, async () => {
      const reply = await this.store.evict(args);
      this.learn(args.keys[0]!.bucket, args.marks ?? [], reply);
      return reply;
    });
  }

  softEvict(args: { keys: readonly CacheKey[]; tombstoneMs: number }): Promise<BucketPosition> {
    return this.remove('A soft eviction', args.keys, () => this.store.softEvict(args));
  }

  fence(args: FenceArgs): Promise<BucketPosition> {
    return this.remove('A fence', args.keys, async () => {
      const position = await this.store.fence(args);
      const view = this.coherence.view(args.keys[0]!.bucket);
      view.applyOwn(position, args.keys.length);
      view.require(position);
      return position;
    });
  }

  unfence(args: UnfenceArgs): Promise<BucketPosition & Stood> {
    return this.remove('The end of a fence', args.keys, () => this.store.unfence(args));
  }

  put(args: PutArgs): Promise<PutOutcome> {
    return this.remove('A put', [args.key], () => this.store.put(args));
  }

  stamp(args: StampArgs): Promise<Stamped & Stood> {
    return this.send('A stamp', args.bucket, async () => {
      const reply = await this.store.stamp(args);
      this.learn(args.bucket, args.marks, reply);
      return reply;
    });
  }

  private learn(bucket: number, marks: readonly Mark[], reply: Stamped): void {
    this.coherence.observe(bucket, reply);
    for (const mark of marks) this.coherence.stamped(bucket, mark, reply.stamp);
  }

  /** An operation after which nothing that this instance knows of the keys is true. */
  private remove<R extends BucketPosition>(what: string, keys: readonly CacheKey[], run: () => Promise<R>): Promise<R> {
    return this.send(what, keys[0]!.bucket, async () => {
      const reply = await run();
      this.coherence.observe(keys[0]!.bucket, reply);
      this.coherence.evicted(keys);
      return reply;
    });
  }

  /** What each miss asks, without promises of its own but one. @param learn what else the reply says */
  private ask<R extends BucketPosition>(
    what: string,
    bucket: number,
    asked: Promise<R>,
    learn?: (reply: R) => void,
  ): Promise<R> {
    const fail = (error: unknown): never => {
      throw this.failed(what, bucket, error);
    };
    return asked.then((reply) => {
      try {
        learn?.(reply);
        this.coherence.observe(bucket, reply);
        return reply;
      } catch (error) {
        return fail(error);
      }
    }, fail);
  }

  private async send<R>(what: string, bucket: number, run: () => Promise<R>): Promise<R> {
    try {
      return await run();
    } catch (error) {
      throw this.failed(what, bucket, error);
    }
  }

  private failed(what: string, bucket: number, error: unknown): CacheError {
    // polls find out when its server answers again
    this.coherence.use(bucket);
    return this.faults.cacheErrorOf(what, error);
  }
}
