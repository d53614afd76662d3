import type { Redis } from 'ioredis';
import type { PlainRead } from '../remote-store.js';
import { ConnectionLives } from './connection-lives.js';
import type { FunctionReply } from './function-reply.js';
import { Gathering } from './gathering.js';
import type { NodeContext } from './node-context.js';
import { type FunctionCall, NodeFunctions } from './node-functions.js';
import type { Argument } from './one-write.js';
import { PollBatch } from './poll-batch.js';
import { ReadBatch } from './read-batch.js';
import { Sender } from './sender.js';
import { UNIDENTIFIED } from './sent-reads.js';

const CONNECTING: ReadonlySet<string> = new Set(['wait', 'connecting', 'connect']);

/** One connection to one server: what is asked of it, gathered by turns of the event loop. */
export class RedisNode {
  private readonly lives: ConnectionLives;
  private readonly sender: Sender;
  private readonly functions: NodeFunctions;
  private readonly polls: PollBatch<FunctionCall>;
  private readonly reads: ReadBatch;
  private readonly readsToSend: Gathering;
  private readonly identifying = new Set<number>();

  /** @param onAccepted called when the server accepted a function */
  constructor(
    readonly client: Redis,
    private readonly context: NodeContext,
    onAccepted = () => {},
  ) {
    this.lives = new ConnectionLives(client, context.clock);
    this.sender = new Sender(client, context, () => this.polls.flush());
    this.functions = new NodeFunctions(client, this.sender, this.lives, context, onAccepted);
    this.polls = new PollBatch(this.functions);
    this.reads = new ReadBatch(this.functions, context);
    this.readsToSend = new Gathering(context.clock, (nowMs) => this.sendReads(nowMs));
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

  /** Why the connection failed last; the rejections of ioredis do not say it. */
  get lastError(): Error | null {
    return this.lives.lastError;
  }

  set lastError(error: Error | null) {
    this.lives.lastError = error;
  }

  /** Why a command would be refused at once because the server has been silent, or null. */
  get refusal(): Error | null {
    return this.sender.refusal;
  }

  /** Whether the server has identified itself for the bucket. @param atMs when what is to be believed was sent */
  isIdentified(bucket: number, atMs: number): boolean {
    return this.functions.isIdentified(bucket, atMs);
  }

  /** Forgets what was proven about a bucket: it moved, or may have. */
  distrust(bucket: number): void {
    this.functions.distrust(bucket);
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

  /** A poll that asks for no stamps; goes out with the others of this turn, before its reads. */
  poll(call: FunctionCall): Promise<FunctionReply> {
    this.sender.beginTurn();
    return this.polls.add(call);
  }

  /** Calls a function of the library on this server; loads the library where it is missing. */
  invoke(call: FunctionCall): Promise<FunctionReply> {
    return this.functions.invoke(call);
  }

  /** Any command on this connection. Rejects as {@link Sender.send}. */
  command(method: 'call' | 'callBuffer', name: string, args: readonly Argument[]): Promise<unknown> {
    return this.sender.send((client) => client[method](name, args as Argument[]));
  }

  /** Lets go of the client, which others may go on using. */
  dispose(): void {
    this.sender.dispose();
    this.lives.dispose();
  }

  /** A server that has not identified itself is asked to: that is answered before the reads are, in time for them. */
  private sendReads(nowMs: number): void {
    for (const { bucket } of this.reads.waiting) {
      if (!this.functions.isIdentified(bucket, nowMs)) this.identify(bucket);
    }
    this.polls.flush();
    this.sender.sendReads(nowMs, this.reads.take(), this.readsToSend);
  }
}
