import type { PlainRead } from '../remote-store.js';
import { type CommandText, commandText } from './command-text.js';
import type { NodeContext } from './node-context.js';
import type { OneWrite } from './one-write.js';
import { type Ended, type ReadConnection, SentReads } from './sent-reads.js';

/** What a batch asks of its node. */
export interface ReadNode extends ReadConnection {
  identify(bucket: number): void;
  /** @param nowMs local ms */
  sendReads(nowMs: number, batch: SentBatch): void;
}

/**
 * Collects the plain reads of one turn of the event loop and sends them as one write: per bucket the position of M
 * **first**, then the values. An invalidation between the two shows as a larger sequence than the value's, never the
 * other way round.
 */
export class ReadBatch {
  /** By bucket, those that have room for more. */
  private open = new Map<number, SentReads>();
  private waiting: SentReads[] = [];
  /** By bucket: what asks for its position. */
  private readonly positions: CommandText[] = [];

  constructor(
    private readonly node: ReadNode,
    private readonly context: NodeContext,
  ) {}

  add(bucket: number, entry: string, isBinary: boolean): PromiseLike<PlainRead> {
    let reads = this.open.get(bucket);
    if (reads === undefined || reads.isFull) {
      reads = new SentReads(this.node, this.context, bucket);
      this.open.set(bucket, reads);
      this.waiting.push(reads);
    }
    return reads.add(entry, isBinary);
  }

  /**
   * Asks the server to identify itself where it has not: that is answered before the reads are, and in time for them.
   */
  prepare(nowMs: number): void {
    for (const bucket of this.open.keys()) {
      if (!this.node.isIdentified(bucket, nowMs)) this.node.identify(bucket);
    }
  }

  /** Sends what was collected; the node calls it at the end of each turn. */
  flush(nowMs: number): void {
    const sent = this.waiting;
    this.waiting = [];
    // cleared, it would leave its table behind with all of them in it, and a way from it to the next one
    this.open = new Map();
    this.node.sendReads(nowMs, new SentBatch(sent, this.positionOf));
  }

  private readonly positionOf = (bucket: number): CommandText =>
    (this.positions[bucket] ??= commandText('hmget', [this.context.keyspace.bucketKey(bucket), 'i', 'q', 'tq']));
}

/** What leaves in one write. */
export class SentBatch {
  private left: number;
  private ended: Ended = () => {};

  constructor(
    private readonly reads: readonly SentReads[],
    private readonly positionOf: (bucket: number) => CommandText,
  ) {
    this.left = reads.length;
  }

  /** @param ended called once, when all is answered, with what went wrong with the last command, if anything */
  write(write: OneWrite, nowMs: number, ended: Ended): void {
    this.ended = ended;
    const one = this.left === 1 ? ended : this.oneEnded.bind(this);
    for (const reads of this.reads) reads.write(write, this.positionOf(reads.bucket), nowMs, one);
  }

  /** Its answer is late, or nothing may be sent. */
  fail(reason: Error): void {
    for (const reads of this.reads) reads.fail(reason);
  }

  private oneEnded(error?: Error): void {
    this.left -= 1;
    if (this.left === 0) this.ended(error);
  }
}
