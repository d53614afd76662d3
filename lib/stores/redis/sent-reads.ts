import { deferred } from '../../shared/deferred.js';
import { keepShape } from '../../shared/keep-shape.js';
import type { BucketPosition, PlainRead } from '../remote-store.js';
import { type CommandText, commandText } from './command-text.js';
import { parseEntry } from './entry-header.js';
import { isBehind, wholeNumber } from './known-positions.js';
import type { NodeContext } from './node-context.js';
import type { OneWrite } from './one-write.js';
import { failureOf, isWrongType, redirectOf } from './redis-errors.js';
import type { ValuesPerCommand } from './values-per-command.js';

/** The connection on which reads are sent, and what it has proven. */
export interface ReadConnection {
  /** Settles when the reply to the last function that was sent has been taken. */
  readonly taken: Promise<unknown>;
  /** How many functions were sent. */
  readonly functionsSent: number;
  /**
   * Whether the server had identified itself for the bucket, at `atMs` (local ms), by one of the first `functions`; by
   * default all that were sent.
   */
  isIdentified(bucket: number, atMs: number, functions?: number): boolean;
  /** Forgets what was proven about a bucket. */
  distrust(bucket: number): void;
}

/** Gets what went wrong, if anything. */
export type Ended = (error?: Error) => void;

const NOT_SENT = Promise.resolve();
const NOWHERE: BucketPosition = { incarnation: 0, sequence: 0 };
const NONE: string[] = [];
/** Nobody waits for it. */
export const nothing: Ended = () => {};

/** The answer when nothing can be said. */
export const UNIDENTIFIED: PlainRead = { identified: false, position: null, entry: null, foreign: false };

/**
 * The reads of one bucket that go out together, with what is known of the connection at that moment.
 *
 * A reply is judged after all that the server said before it was taken. Replies to functions are taken in reactions to
 * promises, later than they come: so each is judged in a reaction too, to the last function that was sent before. By
 * then a function that was sent after the read may have been taken, where the replies came together: it proves nothing.
 *
 * All of them wait for one promise, and each makes of the reply what it asked for when its own turn comes: what lives
 * at the same time is bytes, and not 512 entries.
 *
 * Here, and along the path of every hit, what is called back is a bound method. Of a closure that is made per call the
 * compiled code is lost whenever the old generation is collected, and compiled anew: for tens of milliseconds a hit
 * costs three times as much.
 */
export class SentReads {
  private entries: string[] = NONE;
  private readonly answer = deferred<void>();
  private taken: Promise<unknown> = NOT_SENT;
  /** How many functions were sent before. */
  private functions = 0;
  /** What was known of the bucket. */
  private known: BucketPosition = NOWHERE;
  private sentAtMs = -Infinity;
  private ended: Ended = nothing;
  private position: PlainRead['position'] = null;
  private identified = false;
  private reply: unknown = null;
  private error: Error | null = null;
  /** Says the same of all of them. */
  private whole: PlainRead | null = null;

  constructor(
    private readonly node: ReadConnection,
    private readonly context: NodeContext,
    private readonly perCommand: ValuesPerCommand,
    readonly bucket: number,
  ) {}

  /** More go in a further command. */
  get isFull(): boolean {
    return this.entries.length >= this.perCommand.most;
  }

  /** One more, before it is written. @param isBinary its payload is wanted as bytes */
  add(entry: string, isBinary: boolean): PromiseLike<PlainRead> {
    // most have one: a list that was empty has room for 17
    if (this.entries === NONE) this.entries = [entry];
    else this.entries.push(entry);
    return new ReadAnswer(this, this.entries.length - 1, isBinary);
  }

  /**
   * @param position asks for the position of the bucket
   * @param nowMs local ms
   * @param ended called once, when all is answered, with what went wrong with the values, if anything
   */
  write(write: OneWrite, position: CommandText, nowMs: number, ended: Ended): void {
    const { entries, node } = this;
    this.taken = node.taken;
    this.functions = node.functionsSent;
    this.known = this.context.positions.of(this.bucket);
    this.sentAtMs = nowMs;
    this.ended = ended;
    write.add(position, this.positioned.bind(this), nothing);
    write.add(
      commandText(entries.length === 1 ? 'get' : 'mget', entries),
      this.came.bind(this),
      this.failed.bind(this),
    );
  }

  private positioned(fields: unknown): void {
    this.position = positionOf(fields);
  }

  private came(reply: unknown): void {
    this.reply = reply;
    this.judge();
  }

  private failed(error: Error): void {
    this.error = error;
    this.judge();
  }

  private judge(): void {
    const act = this.settle.bind(this);
    this.taken.then(act, act);
  }

  private settle(): void {
    let { error } = this;
    if (error !== null) this.fail(error);
    else {
      try {
        this.identified = this.isProven();
        if (this.entries.length > 1) this.perCommand.note(listOf(this.reply));
        this.answer.resolve();
      } catch (mistake) {
        error = this.fail(mistake as Error);
      }
    }
    this.ended(error ?? undefined);
  }

  /** Nothing after it counts. @returns the error */
  fail(error: Error): Error {
    if (redirectOf(error) !== null) {
      this.node.distrust(this.bucket);
      this.context.onRedirect();
      this.settleAs(UNIDENTIFIED);
    } else if (isWrongType(error)) this.settleAs({ ...UNIDENTIFIED, foreign: true });
    else this.answer.reject(failureOf('a read', error));
    return error;
  }

  private settleAs(read: PlainRead): void {
    this.whole = read;
    this.answer.resolve();
  }

  /** Resolves when all of them can be told. */
  get answered(): Promise<void> {
    return this.answer.promise;
  }

  /** What was read, once all are answered. */
  readAt(n: number, isBinary: boolean): PlainRead {
    if (this.whole !== null) return this.whole;
    const { position, identified } = this;
    const raw = this.entries.length === 1 ? this.reply : (this.reply as readonly unknown[])[n];
    if (raw == null) return { identified, position, entry: null, foreign: false };
    // what is no bytes came from no GET
    const entry = Buffer.isBuffer(raw) ? parseEntry(isBinary ? raw : raw.toString()) : null;
    return { identified, position, entry, foreign: entry === null };
  }

  /**
   * Whether both replies came from the connection that had identified the server before, and from that server's data.
   * Of what a new life of the connection proved, nothing is older than the read: functions are numbered through all.
   */
  private isProven(): boolean {
    const { bucket, position, node } = this;
    if (position === null) return false;
    if (isBehind(position, this.known)) {
      node.distrust(bucket);
      return false;
    }
    this.context.positions.note(bucket, position);
    return node.isIdentified(bucket, this.sentAtMs, this.functions);
  }
}

keepShape(new SentReads(null!, null!, null!, 0));

type OnRead<R> = ((read: PlainRead) => R | PromiseLike<R>) | null | undefined;
type OnFailed<R> = ((reason: unknown) => R | PromiseLike<R>) | null | undefined;

/** The answer to one of them: makes no promise until somebody waits for it, and one for whoever does. */
class ReadAnswer implements PromiseLike<PlainRead> {
  constructor(
    private readonly reads: SentReads,
    private readonly n: number,
    private readonly isBinary: boolean,
  ) {}

  then<R1 = PlainRead, R2 = never>(onRead?: OnRead<R1>, onFailed?: OnFailed<R2>): Promise<R1 | R2> {
    return this.reads.answered.then(this.tell.bind(this, onRead, onFailed) as () => R1 | R2, onFailed);
  }

  private tell(onRead: OnRead<unknown>, onFailed: OnFailed<unknown>): unknown {
    let read: PlainRead;
    try {
      read = this.reads.readAt(this.n, this.isBinary);
    } catch (error) {
      if (onFailed) return onFailed(failureOf('a read', error));
      throw error;
    }
    return onRead ? onRead(read) : read;
  }
}

keepShape(new ReadAnswer(null!, 0, false));

function listOf(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new Error('the reply to MGET is not a list');
  return reply;
}

function positionOf(fields: unknown): PlainRead['position'] {
  if (!Array.isArray(fields)) return null;
  const incarnation = wholeNumber(fields[0]);
  const sequence = wholeNumber(fields[1]);
  const markSequence = wholeNumber(fields[2]);
  if (incarnation === null || sequence === null || markSequence === null) return null;
  return { incarnation, sequence, markSequence };
}
