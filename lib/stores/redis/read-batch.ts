import { deferred, type Deferred } from '../../shared/deferred.js';
import type { PlainRead } from '../remote-store.js';
import { parseEntry } from './entry-header.js';
import { wholeNumber } from './incarnations.js';
import { isWrongType, redirectOf, unavailable } from './redis-errors.js';
import { type NodeContext, type RedisNode, withTimeout } from './redis-node.js';

interface PendingRead {
  readonly entry: string;
  readonly answer: Deferred<PlainRead>;
}

/** The reads of one bucket in one turn. */
interface BucketReads {
  readonly text: PendingRead[];
  readonly binary: PendingRead[];
}

/** Longer lists are cut, so that one reply does not hold up the connection. */
const MAX_KEYS_PER_COMMAND = 512;

/** The answer when nothing can be said. */
export const UNIDENTIFIED: PlainRead = { identified: false, position: null, entry: null, foreign: false };

/**
 * Collects the plain reads of one turn of the event loop and sends them as one write: per bucket the position of M **first**, then the
 * values. An invalidation between the two shows as a larger sequence than the value's, never the other way round.
 */
export class ReadBatch {
  private waiting = new Map<number, BucketReads>();

  constructor(
    private readonly node: RedisNode,
    private readonly context: NodeContext,
  ) {}

  add(bucket: number, entry: string, isBinary: boolean): Promise<PlainRead> {
    let reads = this.waiting.get(bucket);
    if (reads === undefined) {
      if (this.waiting.size === 0) process.nextTick(this.flush);
      this.waiting.set(bucket, (reads = { text: [], binary: [] }));
    }
    const answer = deferred<PlainRead>();
    (isBinary ? reads.binary : reads.text).push({ entry, answer });
    return answer.promise;
  }

  private readonly flush = () => {
    const { waiting } = this;
    this.waiting = new Map();
    // one write for all commands: they are buffered until uncork
    const { stream } = this.node.client;
    stream?.cork();
    try {
      for (const [bucket, reads] of waiting) this.send(bucket, reads);
    } finally {
      stream?.uncork();
    }
  };

  private send(bucket: number, { text, binary }: BucketReads): void {
    const { client } = this.node;
    const proof = { bucket, epoch: this.node.epoch, wasIdentified: this.node.isIdentified(bucket) };
    const position = this.bounded(client.hmget(this.context.keyspace.bucketKey(bucket), 'i', 'q', 'tq')).catch(
      () => null,
    );
    for (const reads of chunks(text)) {
      const values = reads.length === 1 ? single(client.get(reads[0]!.entry)) : client.mget(entriesOf(reads));
      void this.settle(proof, position, this.bounded(values), reads);
    }
    for (const reads of chunks(binary)) {
      const values =
        reads.length === 1 ? single(client.getBuffer(reads[0]!.entry)) : client.mgetBuffer(entriesOf(reads));
      void this.settle(proof, position, this.bounded(values), reads);
    }
  }

  private async settle(
    proof: { bucket: number; epoch: number; wasIdentified: boolean },
    positionReply: Promise<(string | null)[] | null>,
    valuesReply: Promise<(string | Buffer | null)[]>,
    reads: readonly PendingRead[],
  ): Promise<void> {
    let values: (string | Buffer | null)[];
    try {
      values = await valuesReply;
    } catch (error) {
      this.fail(proof.bucket, error, reads);
      return;
    }
    const fields = await positionReply;
    const identified = proof.wasIdentified && proof.epoch === this.node.epoch && fields !== null;
    const position = fields === null ? null : positionOf(fields);
    if (position !== null) this.context.incarnations.note(proof.bucket, position.incarnation);
    reads.forEach(({ answer }, n) => {
      const raw = values[n] ?? null;
      const entry = raw === null ? null : parseEntry(raw);
      answer.resolve({ identified, position, entry, foreign: raw !== null && entry === null });
    });
  }

  private fail(bucket: number, error: unknown, reads: readonly PendingRead[]): void {
    if (redirectOf(error) !== null) {
      this.node.distrust(bucket);
      this.context.onRedirect();
      for (const { answer } of reads) answer.resolve(UNIDENTIFIED);
    } else if (isWrongType(error)) {
      for (const { answer } of reads) answer.resolve({ ...UNIDENTIFIED, foreign: true });
    } else {
      const reason = unavailable('a read', error);
      for (const { answer } of reads) answer.reject(reason);
    }
  }

  private bounded<T>(reply: Promise<T>): Promise<T> {
    return this.context.timeoutMs === null ? reply : withTimeout(reply, this.context.timeoutMs);
  }
}

const entriesOf = (reads: readonly PendingRead[]) => reads.map(({ entry }) => entry);

const single = async <T>(value: Promise<T>): Promise<T[]> => [await value];

function* chunks(reads: readonly PendingRead[]): Iterable<readonly PendingRead[]> {
  if (reads.length <= MAX_KEYS_PER_COMMAND) {
    if (reads.length > 0) yield reads;
    return;
  }
  for (let from = 0; from < reads.length; from += MAX_KEYS_PER_COMMAND)
    yield reads.slice(from, from + MAX_KEYS_PER_COMMAND);
}

function positionOf([i, q, tq]: (string | null)[]): PlainRead['position'] {
  const incarnation = wholeNumber(i);
  const sequence = wholeNumber(q);
  const markSequence = wholeNumber(tq);
  if (incarnation === null || sequence === null || markSequence === null) return null;
  return { incarnation, sequence, markSequence };
}
