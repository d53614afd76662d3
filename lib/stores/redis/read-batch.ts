import { deferred } from '../../shared/deferred.js';
import type { PlainRead } from '../remote-store.js';
import { type CommandText, commandText } from './command-text.js';
import type { NodeContext } from './node-context.js';
import type { OneWrite } from './one-write.js';
import { type PendingRead, type ReadConnection, SentReads } from './sent-reads.js';

/** What a batch asks of its node. */
export interface ReadNode extends ReadConnection {
  identify(bucket: number): void;
  /**
   * @param nowMs local ms
   * @param commands calls `ended` once, when all is answered, with what went wrong with the last command, if anything
   * @param failed called once when its answer is late, or nothing may be sent
   */
  sendReads(
    nowMs: number,
    commands: (write: OneWrite, ended: (error?: Error) => void) => void,
    failed: (reason: Error) => void,
  ): void;
}

/**
 * Collects the plain reads of one turn of the event loop and sends them as one write: per bucket the position of M
 * **first**, then the values. An invalidation between the two shows as a larger sequence than the value's, never the
 * other way round.
 */
export class ReadBatch {
  private waiting = new Map<number, PendingRead[]>();
  /** By bucket: what asks for its position. */
  private readonly positions: CommandText[] = [];

  constructor(
    private readonly node: ReadNode,
    private readonly context: NodeContext,
  ) {}

  add(bucket: number, entry: string, isBinary: boolean): Promise<PlainRead> {
    const answer = deferred<PlainRead>();
    const read = { entry, isBinary, answer };
    const reads = this.waiting.get(bucket);
    if (reads === undefined) this.waiting.set(bucket, [read]);
    else reads.push(read);
    return answer.promise;
  }

  /**
   * Asks the server to identify itself where it has not: that is answered before the reads are, and in time for them.
   */
  prepare(nowMs: number): void {
    for (const bucket of this.waiting.keys()) {
      if (!this.node.isIdentified(bucket, nowMs)) this.node.identify(bucket);
    }
  }

  /** Sends what was collected; the node calls it at the end of each turn. */
  flush(nowMs: number): void {
    const sent: SentReads[] = [];
    for (const [bucket, reads] of this.waiting) sent.push(new SentReads(this.node, this.context, bucket, reads, nowMs));
    this.waiting = new Map();
    this.node.sendReads(
      nowMs,
      (write, ended) => {
        let left = sent.length;
        const one = (error?: Error) => {
          left -= 1;
          if (left === 0) ended(error);
        };
        for (const reads of sent) reads.write(write, this.positionOf(reads.bucket), one);
      },
      (reason) => {
        for (const reads of sent) reads.fail(reason);
      },
    );
  }

  private positionOf(bucket: number): CommandText {
    return (this.positions[bucket] ??= commandText('hmget', [this.context.keyspace.bucketKey(bucket), 'i', 'q', 'tq']));
  }
}
