import type { Redis } from 'ioredis';
import type { BucketPosition } from '../remote-store.js';
import { BulkLane } from './bulk-lane.js';
import { ClusterMembership } from './cluster-membership.js';
import type { ConnectionLives } from './connection-lives.js';
import { type FunctionReply, functionReply, listIn } from './function-reply.js';
import { libraryText } from './functions/library.js';
import { type FunctionVerb, functionName } from './functions/protocol-version.js';
import { IdentifiedBuckets, type Sent } from './identified-buckets.js';
import type { NodeContext } from './node-context.js';
import { type Argument, callFunction } from './one-write.js';
import type { Polled } from './poll-batch.js';
import { isFunctionMissing, isLibraryPresent, isWriteRefused, redirectOf } from './redis-errors.js';
import type { Sender } from './sender.js';
import type { ReadConnection } from './sent-reads.js';

/** What every miss calls. */
const FREQUENT: ReadonlySet<FunctionVerb> = new Set<FunctionVerb>(['getl', 'fill']);

/** Keys and marks from which on a call is a long one. */
const LONG = 100;

interface FunctionOptions<T> {
  readonly onLateAnswer?: ((answer: T) => void) | undefined;
  readonly weight?: number | undefined;
  readonly leavesAtOnce?: boolean | undefined;
}

/** A call of a function of the library, for keys of one bucket. */
export interface FunctionCall {
  readonly verb: FunctionVerb;
  readonly bucket: number;
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
  /** How many keys and marks it acts on, for calls of which there may be many at once; they go out some at a time. */
  readonly weight?: number;
  /** It does not wait for the end of the turn. */
  readonly leavesAtOnce?: boolean;
  /** Gets a reply that came after the deadline. Must not throw. */
  readonly onLateReply?: (reply: FunctionReply) => void;
}

/**
 * The functions of the library on one server, and what its replies prove of the connection.
 *
 * A plain read is *identified* only if its bucket was identified (a function for it was answered, and every function
 * identifies the server first) in the epoch in which the read was sent, and the reply came in that epoch too. Answers
 * keep the order of what was sent, so what has been answered before a read's reply was sent before the read.
 *
 * A server that answers reads may have stopped accepting writes: a master behind a partition, a demoted one. So a
 * bucket is believed for `trustMs` after a function for it was last accepted, all of which may write; a server that
 * refuses one is not believed any more (R20).
 */
export class NodeFunctions implements Polled<FunctionCall>, ReadConnection {
  taken: Promise<unknown> = Promise.resolve();
  functionsSent = 0;
  private readonly identified: IdentifiedBuckets;
  private readonly membership: ClusterMembership | null;
  private readonly bulk = new BulkLane();
  private loading: Promise<void> | null = null;

  /** @param onAccepted called when the server accepted a function */
  constructor(
    client: Redis,
    private readonly sender: Sender,
    private readonly lives: ConnectionLives,
    private readonly context: NodeContext,
    private readonly onAccepted: () => void,
  ) {
    this.identified = new IdentifiedBuckets(context.keyspace.bucketCount, context.trustMs);
    this.membership = context.isCluster ? new ClusterMembership(client, sender, lives) : null;
  }

  isIdentified(bucket: number, atMs: number, functions = this.functionsSent): boolean {
    return this.identified.has(bucket, { epoch: this.lives.epoch, atMs, functions });
  }

  distrust(bucket: number): void {
    this.identified.forget(bucket);
  }

  /** Calls a function of the library on this server; loads the library where it is missing. */
  invoke(call: FunctionCall): Promise<FunctionReply> {
    const { verb, bucket, keys, args, onLateReply, weight, leavesAtOnce } = call;
    const { keyspace, positions, channelOf } = this.context;
    const M = keyspace.bucketKey(bucket);
    return this.function(verb, { onLateAnswer: onLateReply, weight, leavesAtOnce }, () => {
      const known = positions.of(bucket);
      const all = [keys.length + 1, M, ...keys, channelOf(bucket), bucket, known.incarnation, ...args];
      return { all, take: (raw, sent) => this.noted(functionReply(raw), bucket, known, sent) };
    });
  }

  /**
   * Where several buckets stand; null for each of which the server knows something new: it is to be polled by itself.
   */
  survey(buckets: readonly number[]): Promise<readonly (FunctionReply | null)[]> {
    const { keyspace, positions } = this.context;
    return this.function('survey', {}, () => {
      const known = buckets.map((bucket) => positions.of(bucket));
      const args = buckets.flatMap((bucket, n) => [keyspace.bucketKey(bucket), known[n]!.incarnation]);
      return {
        all: [1, keyspace.bucketKey(buckets[0]!), ...args],
        take: (raw, sent) => {
          const [, ...replies] = listIn(raw);
          return buckets.map((bucket, n) => {
            const reply = replies[n];
            return reply ? this.noted(functionReply(reply), bucket, known[n]!, sent) : null;
          });
        },
      };
    });
  }

  /**
   * @param prepare the arguments as of now, and what becomes of the reply. It is taken the moment it comes: replies to
   * what was sent later come after it, and rest on what it says
   */
  private function<T>(
    verb: FunctionVerb,
    { onLateAnswer, weight, leavesAtOnce = false }: FunctionOptions<T>,
    prepare: () => { all: readonly Argument[]; take: (raw: unknown, sent: Sent) => T },
  ): Promise<T> {
    const { lives, context, sender } = this;
    const refused = (error: unknown) => {
      if (isWriteRefused(error)) lives.epoch += 1;
      // while it is left because of that, it is why nothing is answered
      if (isWriteRefused(error) || redirectOf(error) === 'owner') lives.lastError = error as Error;
      throw error;
    };
    const isProbe = verb === 'poll' || verb === 'survey';
    const once = (): Promise<T> => {
      const proof = this.membership?.prove(isProbe) ?? null;
      if (proof !== null) return proof.then(once);
      const { all, take } = prepare();
      const sent = { epoch: lives.epoch, atMs: context.clock.now(), functions: (this.functionsSent += 1) };
      return sender.send(
        (client) => {
          const called = callFunction(client, [functionName(verb), ...all], FREQUENT.has(verb));
          const taken = called.then((raw) => take(raw, sent), refused);
          this.taken = taken;
          return taken;
        },
        { isProbe, isLong: (weight ?? 0) > LONG, leavesAtOnce, onLateAnswer },
      );
    };
    const inTurn = () => (weight === undefined ? once() : this.bulk.run(weight, once));
    return inTurn().catch((error: unknown) => {
      if (!isFunctionMissing(error)) throw error;
      return this.loadLibrary().then(inTurn);
    });
  }

  /** What an accepted function says about its bucket, and proves about this connection. */
  private noted(reply: FunctionReply, bucket: number, known: BucketPosition, sent: Sent): FunctionReply {
    this.lives.lastError = null;
    this.onAccepted();
    const [incarnation, sequence] = reply;
    this.context.positions.settle(bucket, { incarnation, sequence }, known);
    if (sent.epoch === this.lives.epoch) this.identified.accepted(bucket, sent);
    return reply;
  }

  private loadLibrary(): Promise<void> {
    this.loading ??= this.sender
      .send((client) => client.call('FUNCTION', ['LOAD', libraryText]))
      .then(
        () => undefined,
        (error: unknown) => {
          if (!isLibraryPresent(error)) throw error;
        },
      )
      .finally(() => (this.loading = null));
    return this.loading;
  }
}
