import type { Redis } from 'ioredis';
import type { Payload } from '../../entries/stored-entry.js';
import { deferred, type Deferred } from '../../shared/deferred.js';
import { parseEntry } from './entry-header.js';
import type { BucketPosition, PlainRead } from '../remote-store.js';
import { isBehind, wholeNumber } from './known-positions.js';
import { failureOf, isWrongType, redirectOf } from './redis-errors.js';
import type { NodeContext } from './node-context.js';

/** What a batch asks of its node. */
export interface ReadNode {
  /** Raised when the connection closes. */
  readonly epoch: number;
  /** Whether the server had identified itself for the bucket, at `atMs` (local ms). */
  isIdentified(bucket: number, atMs: number): boolean;
  identify(bucket: number): void;
  distrust(bucket: number): void;
  /**
   * @param commands resolves with what went wrong with the last command, if anything
   * @param failed called once when its answer is late, or nothing may be sent
   */
  sendReads(commands: (client: Redis) => Promise<Error | undefined>, failed: (reason: Error) => void): void;
}

interface PendingRead {
  readonly entry: string;
  readonly answer: Deferred<PlainRead>;
}

/** The reads of one bucket in one turn. */
interface BucketReads {
  readonly text: PendingRead[];
  readonly binary: PendingRead[];
}

/** What is known of the connection at the moment of sending, and the position once it is answered. */
interface Proof {
  readonly bucket: number;
  readonly epoch: number;
  readonly sentAtMs: number;
  /** What was known of the bucket. */
  readonly known: BucketPosition;
  position: PlainRead['position'];
}

/** Longer lists are cut, so that one reply does not hold up the connection. */
const MAX_KEYS_PER_COMMAND = 512;

/** The answer when nothing can be said. */
export const UNIDENTIFIED: PlainRead = { identified: false, position: null, entry: null, foreign: false };

/**
 * Collects the plain reads of one turn of the event loop and sends them as one write: per bucket the position of M
 * **first**, then the values. An invalidation between the two shows as a larger sequence than the value's, never the
 * other way round.
 */
export class ReadBatch {
  private waiting = new Map<number, BucketReads>();

  constructor(
    private readonly node: ReadNode,
    private readonly context: NodeContext,
  ) {}

  add(bucket: number, entry: string, isBinary: boolean): Promise<PlainRead> {
    let reads = this.waiting.get(bucket);
    if (reads === undefined) {
      this.waiting.set(bucket, (reads = { text: [], binary: [] }));
    }
    const answer = deferred<PlainRead>();
    (isBinary ? reads.binary : reads.text).push({ entry, answer });
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
    const { waiting } = this;
    this.waiting = new Map();
    this.node.sendReads(
      (client) => {
        // replies of one connection keep their order: with the last one all are there
        let last!: Promise<Error | undefined>;
        for (const [bucket, reads] of waiting) last = this.write(client, bucket, reads, nowMs);
        return last;
      },
      (reason) => {
        for (const [bucket, { text, binary }] of waiting) this.fail(bucket, reason, [...text, ...binary]);
      },
    );
  }

  /** @returns what went wrong with the last command */
  private write(
    client: Redis,
    bucket: number,
    { text, binary }: BucketReads,
    sentAtMs: number,
  ): Promise<Error | undefined> {
    const { keyspace, positions } = this.context;
    const known = positions.of(bucket);
    const proof: Proof = { bucket, epoch: this.node.epoch, sentAtMs, known, position: null };
    // the reactions to replies keep their order too: the position is there when the values come
    let last: Promise<Error | undefined> = client
      .hmget(keyspace.bucketKey(bucket), 'i', 'q', 'tq')
      .then((fields) => void (proof.position = positionOf(fields)), same);
    for (const reads of chunks(text)) {
      if (reads.length === 1) last = this.settleOne(proof, client.get(reads[0]!.entry), reads[0]!);
      else last = this.settle(proof, client.mget(entriesOf(reads)), reads);
    }
    for (const reads of chunks(binary)) {
      if (reads.length === 1) last = this.settleOne(proof, client.getBuffer(reads[0]!.entry), reads[0]!);
      else last = this.settle(proof, client.mgetBuffer(entriesOf(reads)), reads);
    }
    return last;
  }

  private settleOne(
    proof: Proof,
    reply: Promise<string | Buffer | null>,
    read: PendingRead,
  ): Promise<Error | undefined> {
    return reply.then(
      (raw) => void read.answer.resolve(plainRead(raw, proof.position, this.isProven(proof))),
      (error: unknown) => this.fail(proof.bucket, error, [read]),
    );
  }

  private settle(
    proof: Proof,
    reply: Promise<(string | Buffer | null)[]>,
    reads: readonly PendingRead[],
  ): Promise<Error | undefined> {
    return reply.then(
      (values: unknown): undefined => {
        const isIdentified = this.isProven(proof);
        if (!Array.isArray(values)) {
          this.fail(proof.bucket, new Error('the reply to MGET is not a list'), reads);
          return;
        }
        reads.forEach(({ answer }, n) =>
          answer.resolve(plainRead((values as (Payload | null)[])[n] ?? null, proof.position, isIdentified)),
        );
      },
      (error: unknown) => this.fail(proof.bucket, error, reads),
    );
  }

  /**
   * Whether both replies came from the connection that had identified the server before, and from that server's data.
   */
  private isProven({ bucket, epoch, sentAtMs, known, position }: Proof): boolean {
    if (position === null) return false;
    if (isBehind(position, known)) {
      this.node.distrust(bucket);
      return false;
    }
    this.context.positions.note(bucket, position);
    return epoch === this.node.epoch && this.node.isIdentified(bucket, sentAtMs);
  }

  private fail(bucket: number, error: unknown, reads: readonly PendingRead[]): Error {
    if (redirectOf(error) !== null) {
      this.node.distrust(bucket);
      this.context.onRedirect();
      for (const { answer } of reads) answer.resolve(UNIDENTIFIED);
    } else if (isWrongType(error)) {
      for (const { answer } of reads) answer.resolve({ ...UNIDENTIFIED, foreign: true });
    } else {
      const reason = failureOf('a read', error);
      for (const { answer } of reads) answer.reject(reason);
    }
    return error as Error;
  }
}

function plainRead(raw: Payload | null, position: PlainRead['position'], identified: boolean): PlainRead {
  if (raw === null) return { identified, position, entry: null, foreign: false };
  // what is no text and no bytes came from no GET
  const entry = typeof raw === 'string' || Buffer.isBuffer(raw) ? parseEntry(raw) : null;
  return { identified, position, entry, foreign: entry === null };
}

const same = (error: Error) => error;

const entriesOf = (reads: readonly PendingRead[]) => reads.map(({ entry }) => entry);

function* chunks(reads: readonly PendingRead[]): Iterable<readonly PendingRead[]> {
  if (reads.length <= MAX_KEYS_PER_COMMAND) {
    if (reads.length > 0) yield reads;
    return;
  }
  for (let from = 0; from < reads.length; from += MAX_KEYS_PER_COMMAND)
    yield reads.slice(from, from + MAX_KEYS_PER_COMMAND);
}

function positionOf(fields: unknown): PlainRead['position'] {
  if (!Array.isArray(fields)) return null;
  const [incarnation, sequence, markSequence] = (fields as unknown[]).map(wholeNumber);
  if (incarnation == null || sequence == null || markSequence == null) return null;
  return { incarnation, sequence, markSequence };
}
