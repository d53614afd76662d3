import { CacheError } from '../shared/errors.js';
import type { CacheEngine } from './cache-engine.js';
import { evictionOf, type GivenValue } from './call-writes.js';
import type { Wanted } from './eviction-group.js';

/** What one cache has to do. */
export interface Queue {
  readonly wanted: Wanted[];
  readonly given: GivenValue[];
}

/** What waits for one commit, by cache. It is taken once. */
export class QueuedChanges {
  private queues: Map<CacheEngine, Queue> | null = new Map();

  evict(engine: CacheEngine, wanted: readonly Wanted[]): void {
    this.of(engine).wanted.push(...wanted);
  }

  put(engine: CacheEngine, given: GivenValue): void {
    this.of(engine).given.push(given);
  }

  /** From now on nothing can be queued. @throws CacheError RC_CHANGES_ENDED */
  take(): Map<CacheEngine, Queue> {
    const { queues } = this;
    if (queues === null) throw ended();
    this.queues = null;
    return queues;
  }

  /** As take; nothing when it was taken before. */
  takeIfOpen(): Map<CacheEngine, Queue> {
    return this.queues === null ? new Map() : this.take();
  }

  /**
   * Takes and sends everything.
   *
   * @throws CacheError RC_EVICTION_PENDING (by option), RC_CLOSED, RC_CHANGES_ENDED; after all was tried
   */
  async send(): Promise<void> {
    throwFirst(await Promise.allSettled([...this.take()].map(sendQueue)));
  }

  private of(engine: CacheEngine): Queue {
    if (this.queues === null) throw ended();
    let queue = this.queues.get(engine);
    if (!queue) this.queues.set(engine, (queue = { wanted: [], given: [] }));
    return queue;
  }
}

export async function sendQueue([engine, { wanted, given }]: [CacheEngine, Queue]): Promise<void> {
  const plan = { strict: [], puts: [], evictsNothing: wanted.length === 0, after: () => wanted, given: () => given };
  await engine.writer.writeAll(plan, async () => undefined);
}

/**
 * Nobody knows whether the transaction has committed: whatever it may have changed is evicted, and nothing put. Never
 * rejects.
 */
export async function evictQueues(queues: Iterable<[CacheEngine, Queue]>): Promise<void> {
  const sending = [...queues].map(([engine, { wanted, given }]) => engine.writer.send(evictionsOf({ wanted, given })));
  await Promise.all(sending);
}

/** All that a queue may have changed. */
export function evictionsOf({ wanted, given }: Queue): Wanted[] {
  return [...wanted.map(withoutVersion), ...given.map(({ call }) => evictionOf(call))];
}

export function throwFirst(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function withoutVersion(wanted: Wanted): Wanted {
  return wanted.kind === 'key' ? { ...wanted, version: '' } : wanted;
}

function ended(): CacheError {
  return new CacheError(
    'RC_CHANGES_ENDED',
    'A change was queued for a commit after these changes were committed or discarded, and would never be sent. ' +
      'Queue it before the transaction ends (await what queues it), or call the cache itself.',
  );
}
