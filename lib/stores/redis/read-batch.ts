import type { PlainRead } from '../remote-store.js';
import { type CommandText, commandText } from './command-text.js';
import type { NodeContext } from './node-context.js';
import type { OneWrite } from './one-write.js';
import { type Ended, nothing, type ReadConnection, SentReads } from './sent-reads.js';
import { ValuesPerCommand } from './values-per-command.js';

/** What a batch asks of its node. */
export interface ReadNode extends ReadConnection {
  identify(bucket: number): void;
  /** @param nowMs local ms */
  sendReads(nowMs: number, batch: SentBatch): void;
}

const NONE: SentReads[] = [];

/**
 * Collects the plain reads of one turn of the event loop and sends them as one write: per bucket the position of M
 * **first**, then the values. An invalidation between the two shows as a larger sequence than the value's, never the
 * other way round.
 */
export class ReadBatch {
  /** By bucket, those that have room for more. Not a Map, which leaves its tables behind when it is cleared. */
  private readonly open: (SentReads | null)[];
  private waiting = NONE;
  private readonly perCommand = new ValuesPerCommand();
  /** By bucket: what asks for its position. */
  private readonly positions: CommandText[] = [];

  constructor(
    private readonly node: ReadNode,
    private readonly context: NodeContext,
  ) {
    this.open = new Array<SentReads | null>(context.keyspace.bucketCount).fill(null);
  }

  add(bucket: number, entry: string, isBinary: boolean): PromiseLike<PlainRead> {
    let reads = this.open[bucket] ?? null;
    if (reads === null || reads.isFull) {
      reads = new SentReads(this.node, this.context, this.perCommand, bucket);
      this.open[bucket] = reads;
      // as in SentReads.add
      if (this.waiting === NONE) this.waiting = [reads];
      else this.waiting.push(reads);
    }
    return reads.add(entry, isBinary);
  }

  /**
   * Asks the server to identify itself where it has not: that is answered before the reads are, and in time for them.
   */
  prepare(nowMs: number): void {
    for (const { bucket } of this.waiting) {
      if (!this.node.isIdentified(bucket, nowMs)) this.node.identify(bucket);
    }
  }

  /** Sends what was collected; the node calls it at the end of each turn. */
  flush(nowMs: number): void {
    const sent = this.waiting;
    this.waiting = NONE;
    for (const { bucket } of sent) this.open[bucket] = null;
    this.node.sendReads(nowMs, new SentBatch(sent, this.positionOf));
  }

  private readonly positionOf = (bucket: number): CommandText =>
    (this.positions[bucket] ??= commandText('hmget', [this.context.keyspace.bucketKey(bucket), 'i', 'q', 'tq']));
}

/** What leaves in one write. */
export class SentBatch {
  private left: number;
  private ended = nothing;

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
