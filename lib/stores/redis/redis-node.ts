import type { Redis } from 'ioredis';
import type { Timer } from '../../shared/clock.js';
import type { BucketPosition, PlainRead } from '../remote-store.js';
import { AnswerDeadlines, type Wait } from './answer-deadlines.js';
import { BulkLane } from './bulk-lane.js';
import type { Circuit } from './circuit.js';
import { type FunctionReply, functionReply, listIn } from './function-reply.js';
import { libraryText } from './functions/library.js';
import { type FunctionVerb, functionName } from './functions/protocol-version.js';
import type { NodeContext } from './node-context.js';
import { Gathering } from './gathering.js';
import { IdentifiedBuckets, type Sent } from './identified-buckets.js';
import { type Argument, callFunction, OneWrite } from './one-write.js';
import { PollBatch } from './poll-batch.js';
import { ReadBatch, type SentBatch } from './read-batch.js';
import {
  isFunctionMissing,
  isLibraryPresent,
  isNoCluster,
  isSilence,
  isWriteRefused,
  redirectOf,
} from './redis-errors.js';
import { UNIDENTIFIED } from './sent-reads.js';

const CONNECTING: ReadonlySet<string> = new Set(['wait', 'connecting', 'connect']);

/** How long a new connection may take until it is ready, ms: a server that hangs accepts it and says nothing. */
const HANDSHAKE_MS = 2_000;

/** When a connection on which nothing is heard counts as dead, ms. */
const deadAfter = (timeoutMs: number): number => Math.max(1_000, 4 * timeoutMs);

/** What every miss calls. */
const FREQUENT: ReadonlySet<FunctionVerb> = new Set<FunctionVerb>(['getl', 'fill']);

/** Keys and marks from which on a call is a long one. */
const LONG = 100;

export interface SendOptions<T> {
  /** Sent also while the circuit is open, to find out whether the server is back. */
  readonly isProbe?: boolean;
  /** The server may work on it for a while. */
  readonly isLong?: boolean;
  /** Gets what was answered after the deadline. */
  readonly onLateAnswer?: ((answer: T) => void) | undefined;
}

interface FunctionOptions<T> {
  readonly onLateAnswer?: ((answer: T) => void) | undefined;
  readonly weight?: number | undefined;
}

/** A call of a function of the library, for keys of one bucket. */
export interface FunctionCall {
  readonly verb: FunctionVerb;
  readonly bucket: number;
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
  /** How many keys and marks it acts on, for calls of which there may be many at once; they go out some at a time. */
  readonly weight?: number;
  /** Gets a reply that came after the deadline. Must not throw. */
  readonly onLateReply?: (reply: FunctionReply) => void;
}

/**
 * One connection to one server, and what it has proven about it.
 *
 * The epoch counts the connection's lives: a plain read is *identified* only if its bucket was identified (a function
 * for it was answered, and every function identifies the server first) in the epoch in which the read was sent, and the
 * reply came in that epoch too. Answers keep the order of what was sent, so what has been answered before a read's
 * reply was sent before the read.
 *
 * A server that answers reads may have stopped accepting writes: a master behind a partition, a demoted one. So a
 * bucket is believed for `trustMs` after a function for it was last accepted, all of which may write; a server that
 * refuses one is not believed any more (R20).
 */
export class RedisNode {
  /** Raised when the connection closes, and when its server refuses to be written to. */
  private epoch = 0;
  /** Why the connection failed last; the rejections of ioredis do not say it. */
  lastError: Error | null = null;
  private readonly identified: IdentifiedBuckets;
  private readonly identifying = new Set<number>();
  private readonly reads: ReadBatch;
  private readonly readsToSend: Gathering;
  private readonly polls: PollBatch<FunctionCall>;
  private readonly deadlines: AnswerDeadlines;
  private readonly circuit: Circuit;
  private readonly endOpenings: () => void;
  private readonly bulk = new BulkLane();
  private loading: Promise<void> | null = null;
  /** The epoch in which the server was found to be a node of a Cluster; -1: never. */
  private memberIn = -1;
  private proving: Promise<void> | null = null;
  private handshake: Timer | null = null;
  private isInTurn = false;
  private readonly onConnect = () => {
    this.handshake = this.context.clock.after(HANDSHAKE_MS, () => this.client.disconnect(true));
  };
  private readonly onReady = () => this.handshake?.cancel();
  private readonly onClose = () => {
    this.handshake?.cancel();
    this.epoch += 1;
  };
  private readonly onError = (error: Error) => void (this.lastError = error);
  /** Settles when the reply to the last function that was sent has been taken. */
  taken: Promise<unknown> = Promise.resolve();
  /** How many were sent. */
  functions = 0;
  /** Called when the server accepted a function. */
  onAccepted = () => {};

  constructor(
    readonly client: Redis,
    private readonly context: NodeContext,
  ) {
    this.identified = new IdentifiedBuckets(context.keyspace.bucketCount, context.trustMs);
    this.reads = new ReadBatch(this, context);
    this.readsToSend = new Gathering(context.clock, (nowMs) => this.sendReadsOfTurn(nowMs));
    this.polls = new PollBatch(this);
    this.circuit = context.endpoints.circuitOf(client);
    const { clock, timeoutMs } = context;
    this.deadlines = new AnswerDeadlines({
      clock,
      timeoutMs,
      deadAfterMs: deadAfter(timeoutMs),
      onDead: () => this.client.disconnect(true),
    });
    this.endOpenings = this.circuit.onOpen(() => this.deadlines.giveUp());
    client.on('connect', this.onConnect);
    client.on('ready', this.onReady);
    client.on('close', this.onClose);
    client.on('error', this.onError);
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** True when a command would not go out: better to say so at once than to queue it. */
  get isDown(): boolean {
    const { status } = this.client;
    // the connections of a Cluster's nodes are made when they are first needed, and queue what comes before
    return status !== 'ready' && (!this.context.isCluster || !CONNECTING.has(status));
  }

  /**
   * Whether the server has identified itself for the bucket.
   *
   * @param atMs when what is to be believed was sent
   * @param functions how many functions were sent before that
   */
  isIdentified(bucket: number, atMs: number, functions = this.functions): boolean {
    return this.identified.has(bucket, { epoch: this.epoch, atMs, functions });
  }

  /** Forgets what was proven about a bucket: it moved, or may have. */
  distrust(bucket: number): void {
    this.identified.forget(bucket);
  }

  /** Lets the server identify itself for a bucket, so that plain reads of it count. Never rejects. */
  identify(bucket: number): void {
    if (this.identifying.has(bucket)) return;
    this.identifying.add(bucket);
    this.poll({ verb: 'poll', bucket, keys: [], args: [] }).then(
      () => this.identifying.delete(bucket),
      () => this.identifying.delete(bucket),
    );
  }

  /** Plain read; goes out with the others of this turn. */
  read(bucket: number, entry: string, isBinary: boolean): PromiseLike<PlainRead> {
    if (!this.isReady) return Promise.resolve(UNIDENTIFIED);
    this.readsToSend.added();
    return this.reads.add(bucket, entry, isBinary);
  }

  /** Why a command would be refused at once because the server has been silent, or null. */
  get refusal(): Error | null {
    return this.circuit.refusal;
  }

  /**
   * The one way to this connection: what a turn of the event loop sends leaves in one write, and each answer has its
   * deadline from then on. Rejects at once when the client cannot send, and while the server's circuit is open.
   */
  send<T>(
    commands: (client: Redis) => Promise<T>,
    { isProbe = false, isLong = false, onLateAnswer }: SendOptions<T> = {},
  ): Promise<T> {
    return this.circuit.run(() => {
      this.beginTurn();
      return this.deadlines.bound(commands(this.client), onLateAnswer, isLong);
    }, isProbe);
  }

  /** As `send`, for what settles its answers by itself: in one write, without promises of its own. */
  sendReads(nowMs: number, batch: SentBatch): void {
    const { circuit, deadlines } = this;
    if (circuit.refusal !== null) return batch.fail(circuit.refusal);
    const onLate = (reason: Error) => {
      circuit.wasSilent(reason);
      batch.fail(reason);
    };
    const wait = deadlines.start(onLate, nowMs);
    const write = new OneWrite(this.client);
    try {
      batch.write(write, nowMs, this.readsEnded.bind(this, wait));
    } catch (error) {
      if (deadlines.end(wait, false)) batch.fail(error as Error);
    } finally {
      write.send();
    }
  }

  private readsEnded(wait: Wait, error?: Error): void {
    this.readsToSend.answered();
    const isAnswer = error === undefined || !isSilence(error);
    if (!this.deadlines.end(wait, isAnswer)) return;
    if (isAnswer) this.circuit.answered();
    else this.circuit.wasSilent(error);
  }

  /** A poll that asks for no stamps; goes out with the others of this turn, before its reads. */
  poll(call: FunctionCall): Promise<FunctionReply> {
    this.beginTurn();
    return this.polls.add(call);
  }

  /** Calls a function of the library on this server; loads the library where it is missing. */
  invoke(call: FunctionCall): Promise<FunctionReply> {
    const { verb, bucket, keys, args, onLateReply, weight } = call;
    const { keyspace, positions, channelOf } = this.context;
    const M = keyspace.bucketKey(bucket);
    return this.function(verb, { onLateAnswer: onLateReply, weight }, () => {
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
    { onLateAnswer, weight }: FunctionOptions<T>,
    prepare: () => { all: readonly Argument[]; take: (raw: unknown, sent: Sent) => T },
  ): Promise<T> {
    const refused = (error: unknown) => {
      if (isWriteRefused(error)) this.epoch += 1;
      // while it is left because of that, it is why nothing is answered
      if (isWriteRefused(error) || redirectOf(error) === 'owner') this.lastError = error as Error;
      throw error;
    };
    const isProbe = verb === 'poll' || verb === 'survey';
    const once = (): Promise<T> => {
      const proof = this.provesMembership(isProbe);
      if (proof !== null) return proof.then(once);
      const { all, take } = prepare();
      const sent = { epoch: this.epoch, atMs: this.context.clock.now(), functions: (this.functions += 1) };
      return this.send(
        (client) => {
          const called = callFunction(client, [functionName(verb), ...all], FREQUENT.has(verb));
          const taken = called.then((raw) => take(raw, sent), refused);
          this.taken = taken;
          return taken;
        },
        { isProbe, isLong: (weight ?? 0) > LONG, onLateAnswer },
      );
    };
    const inTurn = () => (weight === undefined ? once() : this.bulk.run(weight, once));
    return inTurn().catch((error: unknown) => {
      if (!isFunctionMissing(error)) throw error;
      return this.loadLibrary().then(inTurn);
    });
  }

  /**
   * The address of a node that died may be another server's by now: one that is of no Cluster redirects nobody, would
   * take the library, and answer for buckets that it does not own, until the map of slots is fetched anew. So before
   * the first function on a connection its server is asked. Reads count only after a function, and need not wait.
   *
   * @returns null: nothing is to be proven. Rejects when the server is of no Cluster; its connection is ended then
   */
  private provesMembership(isProbe: boolean): Promise<void> | null {
    if (!this.context.isCluster || this.memberIn === this.epoch) return null;
    this.proving ??= this.askForMembership(isProbe).finally(() => (this.proving = null));
    return this.proving;
  }

  private async askForMembership(isProbe: boolean): Promise<void> {
    const { epoch } = this;
    try {
      await this.send((client) => client.call('CLUSTER', 'INFO'), { isProbe });
    } catch (error) {
      if (isNoCluster(error)) this.client.disconnect();
      throw error;
    }
    this.memberIn = epoch;
  }

  /** What an accepted function says about its bucket, and proves about this connection. */
  private noted(reply: FunctionReply, bucket: number, known: BucketPosition, sent: Sent): FunctionReply {
    this.lastError = null;
    this.onAccepted();
    const [incarnation, sequence] = reply;
    this.context.positions.settle(bucket, { incarnation, sequence }, known);
    if (sent.epoch === this.epoch) this.identified.accepted(bucket, sent);
    return reply;
  }

  /** Any command on this connection. Rejects as {@link send}. */
  command(method: 'call' | 'callBuffer', name: string, args: readonly Argument[]): Promise<unknown> {
    return this.send((client) => client[method](name, args as Argument[]));
  }

  /** Lets go of the client, which others may go on using. */
  dispose(): void {
    this.endOpenings();
    this.handshake?.cancel();
    this.client.off('connect', this.onConnect);
    this.client.off('ready', this.onReady);
    this.client.off('close', this.onClose);
    this.client.off('error', this.onError);
    this.epoch += 1;
  }

  /** Holds back what is written until this callback of the event loop ends. */
  private beginTurn(): void {
    if (this.isInTurn) return;
    this.isInTurn = true;
    const { stream } = this.client;
    stream?.cork();
    process.nextTick(() => {
      try {
        this.polls.flush();
      } finally {
        stream?.uncork();
        this.isInTurn = false;
      }
    });
  }

  private sendReadsOfTurn(nowMs: number): void {
    this.reads.prepare(nowMs);
    // answered before the reads are, and in time for them
    this.polls.flush();
    this.reads.flush(nowMs);
  }

  private loadLibrary(): Promise<void> {
    this.loading ??= this.command('call', 'FUNCTION', ['LOAD', libraryText])
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
