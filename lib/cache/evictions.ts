import { CacheError } from '../shared/errors.js';
import { type Clock, keepAlive, type Timer } from '../shared/clock.js';
import type { LoggerPort } from '../shared/logger.js';
import type { EvictionDelivery, Undelivered } from './eviction-delivery.js';
import { countAcknowledged, countFailed, type EvictionGroup } from './eviction-group.js';
import type { EvictionJournal } from './eviction-journal.js';
import { LibraryFault } from './faults.js';

/** What became of a group. */
export type EvictionOutcome =
  | { readonly kind: 'acknowledged' }
  /**
   * It is sent again until Redis acknowledges it: then `delivered` resolves. It rejects when the cache is closed
   * before.
   */
  | { readonly kind: 'queued'; readonly why: CacheError; readonly delivered: Promise<void> }
  /** It is not sent again: the cache is closed, or this library has a fault. */
  | { readonly kind: 'lost'; readonly why: CacheError };

/**
 * What a call does when its eviction was only queued: nothing, throw, or wait until it is acknowledged, and throw after
 * `waitMs`.
 */
export interface QueuedPolicy {
  readonly onEvictFailure: 'journal' | 'throw' | 'block';
  readonly evictWaitMs: number;
}

const ACKNOWLEDGED: EvictionOutcome = { kind: 'acknowledged' };

/**
 * The door by which every eviction of a cache goes: sent as a group, and queued as a group when Redis does not
 * acknowledge it.
 */
export class Evictions {
  constructor(
    private readonly delivery: EvictionDelivery,
    private readonly journal: EvictionJournal,
    private readonly logger: LoggerPort,
  ) {}

  /**
   * Never rejects.
   *
   * @param whole what is queued instead when the group is not acknowledged: the group, and what was to end after it
   */
  async evict(group: EvictionGroup, whole: () => EvictionGroup = () => group): Promise<EvictionOutcome> {
    if (group.parts.length === 0) return ACKNOWLEDGED;
    const undelivered = await this.delivery.deliver(group);
    if (undelivered.size > 0) return this.queue(whole(), undelivered);
    countAcknowledged(group);
    return ACKNOWLEDGED;
  }

  /** For a group of which something is known to have failed. */
  queue(group: EvictionGroup, undelivered: Undelivered): EvictionOutcome {
    countFailed(group);
    const errors = [...undelivered.values()];
    const fault = errors.find((error) => error instanceof LibraryFault);
    // sent again it would fail again
    if (fault) return { kind: 'lost', why: fault };
    const [cause] = errors;
    if (this.journal.isClosed) return { kind: 'lost', why: closed(cause!) };
    const isFirst = this.journal.size === 0;
    const delivered = this.journal.add(group, undelivered.keys());
    const message = `Redis did not acknowledge an eviction (${cause!.message}); it is retried until it does.`;
    const why = new CacheError('RC_EVICTION_PENDING', message, { cause });
    // one line per outage, not per request
    if (isFirst) this.logger.warn(why.message);
    else this.logger.debug(why.message);
    return { kind: 'queued', why, delivered };
  }
}

/**
 * Ends a call whose evictions came to `outcomes`.
 *
 * @throws CacheError RC_EVICTION_PENDING, by option; RC_CLOSED; a {@link LibraryFault}
 */
export async function endByPolicy(
  outcomes: readonly EvictionOutcome[],
  { onEvictFailure, evictWaitMs }: QueuedPolicy,
  clock: Clock,
): Promise<void> {
  for (const outcome of outcomes) if (outcome.kind === 'lost') throw outcome.why;
  if (onEvictFailure === 'journal') return;
  const queued = outcomes.filter((outcome) => outcome.kind === 'queued');
  const [first] = queued;
  if (first === undefined) return;
  if (onEvictFailure === 'throw') throw first.why;
  const delivered = Promise.all(queued.map((outcome) => outcome.delivered));
  const letGo = keepAlive();
  let timer: Timer | undefined;
  const timeIsUp = new Promise<never>((_, reject) => {
    timer = clock.after(evictWaitMs, () => reject(stillPending(first.why, evictWaitMs)));
  });
  try {
    await Promise.race([delivered, timeIsUp]);
  } finally {
    timer?.cancel();
    letGo();
  }
}

function stillPending(cause: CacheError, waitedMs: number): CacheError {
  return new CacheError(
    'RC_EVICTION_PENDING',
    `Redis did not acknowledge an eviction within evictWait (${waitedMs} ms). The write stands; the eviction is retried until it is acknowledged, ` +
      `and other instances may serve the old value until then.`,
    { cause },
  );
}

function closed(cause: CacheError): CacheError {
  return new CacheError(
    'RC_CLOSED',
    `An eviction was not sent: the cache is closed, and will not try again. Other instances may serve the old value until its ttl. ` +
      `Finish all writes before the application closes.`,
    { cause },
  );
}
