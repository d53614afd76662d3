import { deferred, type Deferred } from '../shared/deferred.js';
import type { Mark } from '../stores/channel.js';
import type { BucketPart, KeyEviction } from './eviction-group.js';
import { isSilence } from './faults.js';
import { MAX_PER_CALL } from './per-call.js';
import type { RemoteTier } from './remote-tier.js';

/** Calls on their way, per bucket. What comes meanwhile waits, and goes out together. */
const MAX_IN_FLIGHT = 4;

interface Waiting {
  readonly part: BucketPart;
  readonly sent: Deferred<void>;
}

/**
 * Gathers the evictions of one turn: those of one bucket go out as one EVICT, however many callers asked for them. Few
 * calls are on their way at a time, so that a backlog of this instance is never taken for a server that does not
 * answer.
 */
export class EvictionLine {
  private readonly buckets = new Map<number, BucketLine>();

  constructor(private readonly remote: RemoteTier) {}

  /** Of keys without fences, and marks; at most MAX_PER_CALL. Resolves when acknowledged. @throws CacheError */
  send(part: BucketPart): Promise<void> {
    let line = this.buckets.get(part.bucket);
    if (line === undefined) this.buckets.set(part.bucket, (line = new BucketLine(this.remote)));
    return line.add(part);
  }
}

class BucketLine {
  private waiting: Waiting[] = [];
  private inFlight = 0;
  private isScheduled = false;

  constructor(private readonly remote: RemoteTier) {}

  add(part: BucketPart): Promise<void> {
    const sent = deferred<void>();
    this.waiting.push({ part, sent });
    if (!this.isScheduled) {
      this.isScheduled = true;
      process.nextTick(this.flush);
    }
    return sent.promise;
  }

  private readonly flush = () => {
    this.isScheduled = false;
    let from = 0;
    while (from < this.waiting.length && this.inFlight < MAX_IN_FLIGHT) {
      const batch = this.batchFrom(from);
      from += batch.length;
      void this.call(batch);
    }
    this.waiting = this.waiting.slice(from);
  };

  /** A part is never torn: what belongs together goes in one moment. */
  private batchFrom(from: number): Waiting[] {
    const batch: Waiting[] = [];
    let size = 0;
    for (let n = from; n < this.waiting.length; n++) {
      const one = this.waiting[n]!;
      size += sizeOf(one.part);
      if (batch.length > 0 && (size > MAX_PER_CALL || !goTogether(one.part, batch[0]!.part))) break;
      batch.push(one);
    }
    return batch;
  }

  private async call(batch: readonly Waiting[]): Promise<void> {
    this.inFlight += 1;
    try {
      await this.evict(batch.map(({ part }) => part));
      for (const { sent } of batch) sent.resolve();
    } catch (error) {
      for (const { sent } of batch) sent.reject(error);
      // a server that did not answer these would not answer the others: they need not wait their turn to learn it
      if (isSilence(error)) {
        for (const { sent } of this.waiting) sent.reject(error);
        this.waiting = [];
      }
    } finally {
      this.inFlight -= 1;
      if (this.waiting.length > 0) this.flush();
    }
  }

  private async evict(parts: readonly BucketPart[]): Promise<void> {
    const { bucket } = parts[0]!;
    const tombstoneMs = tombstoneOf(parts[0]!);
    const byName = new Map<string, KeyEviction>();
    for (const { keys } of parts) for (const one of keys) byName.set(`${one.version} ${one.key.entry}`, one);
    const marks = [...new Set<Mark>(parts.flatMap((part) => part.marks))];
    if (byName.size === 0) return void (await this.remote.stamp({ bucket, marks }));
    const evictions = [...byName.values()];
    if (isSoft(parts[0]!))
      return void (await this.remote.softEvict({ keys: evictions.map(({ key }) => key), tombstoneMs }));
    await this.remote.evict({
      keys: evictions.map(({ key }) => key),
      ...(evictions.some(({ version }) => version !== '') && { versions: evictions.map(({ version }) => version) }),
      ...(marks.length > 0 && { marks }),
      tombstoneMs,
    });
  }
}

/** True when all that the part evicts may be served as stale. */
function isSoft({ keys, marks }: BucketPart): boolean {
  return marks.length === 0 && keys.every((one) => one.isSoft);
}

function goTogether(one: BucketPart, other: BucketPart): boolean {
  return tombstoneOf(one) === tombstoneOf(other) && isSoft(one) === isSoft(other);
}

export function sizeOf({ keys, marks }: BucketPart): number {
  return keys.length + marks.length;
}

export function tombstoneOf({ keys }: Pick<BucketPart, 'keys'>): number {
  return keys.reduce((longest, { tombstoneMs }) => Math.max(longest, tombstoneMs), 0);
}
