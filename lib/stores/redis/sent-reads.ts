import type { Deferred } from '../../shared/deferred.js';
import type { BucketPosition, PlainRead } from '../remote-store.js';
import { type CommandText, commandText } from './command-text.js';
import { parseEntry } from './entry-header.js';
import { isBehind, wholeNumber } from './known-positions.js';
import type { NodeContext } from './node-context.js';
import type { OneWrite } from './one-write.js';
import { failureOf, isWrongType, redirectOf } from './redis-errors.js';

/** The connection on which reads are sent, and what it has proven. */
export interface ReadConnection {
  /** Raised when the connection closes. */
  readonly epoch: number;
  /** Settles when the reply to the last function that was sent has been taken. */
  readonly taken: Promise<unknown>;
  /** How many functions were sent. */
  readonly functions: number;
  /** Whether the server had identified itself for the bucket, at `atMs` (local ms), by one of the first `functions`. */
  isIdentified(bucket: number, atMs: number, functions?: number): boolean;
  distrust(bucket: number): void;
}

export interface PendingRead {
  readonly entry: string;
  /** Its payload is wanted as bytes. */
  readonly isBinary: boolean;
  readonly answer: Deferred<PlainRead>;
}

/** Longer lists are cut, so that one reply does not hold up the connection. */
const MAX_KEYS_PER_COMMAND = 512;

/** The answer when nothing can be said. */
export const UNIDENTIFIED: PlainRead = { identified: false, position: null, entry: null, foreign: false };

/**
 * The reads of one bucket that go out together, with what is known of the connection at that moment.
 *
 * A reply is judged after all that the server said before it was taken. Replies to functions are taken in reactions to
 * promises, later than they come: so each is judged in a reaction too, to the last function that was sent before. By
 * then a function that was sent after the read may have been taken, where the replies came together: it proves nothing.
 */
export class SentReads {
  private readonly epoch: number;
  private readonly taken: Promise<unknown>;
  /** How many functions were sent before. */
  private readonly functions: number;
  /** What was known of the bucket. */
  private readonly known: BucketPosition;
  private position: PlainRead['position'] = null;

  constructor(
    private readonly node: ReadConnection,
    private readonly context: NodeContext,
    readonly bucket: number,
    private readonly reads: readonly PendingRead[],
    private readonly sentAtMs: number,
  ) {
    this.epoch = node.epoch;
    this.taken = node.taken;
    this.functions = node.functions;
    this.known = context.positions.of(bucket);
  }

  /**
   * @param position asks for the position of the bucket
   * @param ended called once, when all is answered, with what went wrong with the last command, if anything
   */
  write(write: OneWrite, position: CommandText, ended: (error?: Error) => void): void {
    const { reads } = this;
    write.add(position, this.positioned, noPosition);
    if (reads.length <= MAX_KEYS_PER_COMMAND) return this.ask(write, reads, ended);
    for (let from = 0; from < reads.length; from += MAX_KEYS_PER_COMMAND) {
      const to = from + MAX_KEYS_PER_COMMAND;
      // replies of one connection keep their order: with the last one all are there
      this.ask(write, reads.slice(from, to), to < reads.length ? goOn : ended);
    }
  }

  private ask(write: OneWrite, reads: readonly PendingRead[], ended: (error?: Error) => void): void {
    const judge = (run: () => Error | undefined) => {
      const act = () => {
        let error: Error | undefined;
        try {
          error = run();
        } catch (mistake) {
          error = this.fail(mistake as Error, reads);
        }
        ended(error);
      };
      this.taken.then(act, act);
    };
    const failed = (error: Error) => judge(() => this.fail(error, reads));
    if (reads.length === 1) {
      write.add(commandText('get', [reads[0]!.entry]), (value) => judge(() => this.settle(reads, [value])), failed);
    } else {
      const command = commandText(
        'mget',
        reads.map(({ entry }) => entry),
      );
      write.add(command, (values) => judge(() => this.settle(reads, values)), failed);
    }
  }

  /** @returns the error */
  fail(error: Error, reads = this.reads): Error {
    if (redirectOf(error) !== null) {
      this.node.distrust(this.bucket);
      this.context.onRedirect();
      for (const { answer } of reads) answer.resolve(UNIDENTIFIED);
    } else if (isWrongType(error)) {
      for (const { answer } of reads) answer.resolve({ ...UNIDENTIFIED, foreign: true });
    } else {
      const reason = failureOf('a read', error);
      for (const { answer } of reads) answer.reject(reason);
    }
    return error;
  }

  private readonly positioned = (fields: unknown) => {
    this.position = positionOf(fields);
  };

  private settle(reads: readonly PendingRead[], values: unknown): undefined {
    const { position } = this;
    const identified = this.isProven();
    if (!Array.isArray(values)) throw new Error('the reply to MGET is not a list');
    reads.forEach(({ answer, isBinary }, n) => {
      answer.resolve(plainRead((values as unknown[])[n], isBinary, position, identified));
    });
  }

  /**
   * Whether both replies came from the connection that had identified the server before, and from that server's data.
   */
  private isProven(): boolean {
    const { bucket, position, node } = this;
    if (position === null) return false;
    if (isBehind(position, this.known)) {
      node.distrust(bucket);
      return false;
    }
    this.context.positions.note(bucket, position);
    return this.epoch === node.epoch && node.isIdentified(bucket, this.sentAtMs, this.functions);
  }
}

/** Values without a position prove nothing. */
const noPosition = () => {};

/** Others follow. */
const goOn = () => {};

function plainRead(raw: unknown, isBinary: boolean, position: PlainRead['position'], identified: boolean): PlainRead {
  if (raw == null) return { identified, position, entry: null, foreign: false };
  // what is no bytes came from no GET
  const entry = Buffer.isBuffer(raw) ? parseEntry(isBinary ? raw : raw.toString()) : null;
  return { identified, position, entry, foreign: entry === null };
}

function positionOf(fields: unknown): PlainRead['position'] {
  if (!Array.isArray(fields)) return null;
  const incarnation = wholeNumber(fields[0]);
  const sequence = wholeNumber(fields[1]);
  const markSequence = wholeNumber(fields[2]);
  if (incarnation === null || sequence === null || markSequence === null) return null;
  return { incarnation, sequence, markSequence };
}
