import { keepShape } from '../../shared/keep-shape.js';
import type { PlainRead } from '../remote-store.js';
import { type CommandText, commandText } from './command-text.js';
import type { NodeContext } from './node-context.js';
import type { OneWrite } from './one-write.js';
import { type Ended, nothing, type ReadConnection, SentReads } from './sent-reads.js';
import { ValuesPerCommand } from './values-per-command.js';

const NONE: SentReads[] = [];

/**
 * Collects the plain reads of one turn of the event loop, which leave in one write: per bucket the position of M
 * **first**, then the values. An invalidation between the two shows as a larger sequence than the value's, never the
 * other way round.
 */
export class ReadBatch {
  /** By bucket, those that have room for more. Not a Map, which leaves its tables behind when it is cleared. */
  private readonly open: (SentReads | null)[];
  private collected = NONE;
  private readonly perCommand = new ValuesPerCommand();
  /** By bucket: what asks for its position. */
  private readonly positions: CommandText[] = [];

  constructor(
    private readonly connection: ReadConnection,
    private readonly context: NodeContext,
  ) {
    this.open = new Array<SentReads | null>(context.keyspace.bucketCount).fill(null);
  }

  add(bucket: number, entry: string, isBinary: boolean): PromiseLike<PlainRead> {
    let reads = this.open[bucket] ?? null;
    if (reads === null || reads.isFull) {
      reads = new SentReads(this.connection, this.context, this.perCommand, bucket);
      this.open[bucket] = reads;
      // as in SentReads.add
      if (this.collected === NONE) this.collected = [reads];
      else this.collected.push(reads);
    }
    return reads.add(entry, isBinary);
  }

  /** What was collected. */
  get waiting(): readonly SentReads[] {
    return this.collected;
  }

  /** The same, to be sent now. */
  take(): SentBatch {
    const taken = this.collected;
    this.collected = NONE;
    for (const { bucket } of taken) this.open[bucket] = null;
    return new SentBatch(taken, this.positionOf);
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

keepShape(new SentBatch([], null!));
