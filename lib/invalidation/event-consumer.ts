import type { CacheFinder } from '../application/cache-registry.js';
import type { CacheEngine } from '../cache/cache-engine.js';
import type { Wanted } from '../cache/eviction-group.js';
import type { EvictionOutcome } from '../cache/evictions.js';
import type { EventInfo } from '../operations/invalidation-rule.js';
import { CacheError, describeThrown, isCacheError } from '../shared/errors.js';
import type { DeadLetters } from './dead-letters.js';
import type { Delivery } from './delivery.js';
import { type ReadEvent, readEvent } from './event-reading.js';
import { type EventWork, type Judging, workOf } from './event-work.js';
import type { EventCounts } from './events-status.js';
import type { BoundRule } from './rule-book.js';
import { closed, type WaitingRoom } from './waiting-room.js';

interface Parts {
  readonly rules: () => readonly BoundRule[];
  readonly caches: CacheFinder;
  readonly typeField: string;
  readonly counts: EventCounts;
  readonly deadLetters: DeadLetters;
  readonly room: WaitingRoom;
  /** Ms since the epoch. */
  readonly nowMs: () => number;
}

/** What a message comes to. */
interface Plan {
  readonly work: readonly EventWork[];
  /** What could not be understood or mapped. */
  readonly faults: readonly CacheError[];
  readonly eventMs: number | null;
}

/**
 * From a message to acknowledged evictions. A message that is handled is done with: it took effect, concerns nobody, or
 * is a dead letter. Only one whose evictions were not acknowledged is left unanswered, so that it comes again:
 * evictions are idempotent.
 */
export class EventConsumer {
  constructor(private readonly parts: Parts) {}

  /** @throws CacheError RC_CLOSED, or what a heartbeat threw: the message was not handled */
  async handle(delivery: Delivery): Promise<void> {
    const { counts, deadLetters, room } = this.parts;
    counts.received += 1;
    try {
      if (room.isClosing) throw closed();
      if (deadLetters.isOwn(delivery)) counts.ignored += 1;
      else await this.consume(delivery);
    } catch (error) {
      // who closes would get it again at once, over and over: unanswered it stays, and its broker takes it back when
      // the listener closes
      if (!isCacheError(error) || error.code !== 'RC_CLOSED') delivery.giveBack();
      throw error;
    }
    delivery.acknowledge();
  }

  private async consume(delivery: Delivery): Promise<void> {
    const { counts, deadLetters, nowMs } = this.parts;
    const { work, faults, eventMs } = this.plan(delivery);
    const lost = await this.apply(work, delivery);
    const all = [...faults, ...lost];
    if (work.length > 0 && lost.length === 0) {
      counts.applied += 1;
      if (eventMs !== null) counts.noteDelay(nowMs() - eventMs);
    }
    // one letter per message: the first reason
    if (all.length > 0) await deadLetters.take(delivery, all[0]!);
  }

  /** Does nothing. */
  private plan(delivery: Delivery): Plan {
    const { counts, typeField } = this.parts;
    const { payload, channel } = delivery;
    if (payload === null) return this.planOfTombstone(delivery);
    let read: ReadEvent;
    try {
      read = readEvent(payload, typeField);
    } catch (error) {
      return { work: [], faults: [asFault(error)], eventMs: delivery.timestampMs };
    }
    const type = read.type ?? delivery.headers[typeField] ?? null;
    const info = infoOf(delivery, type, read.timestampMs);
    const rules = this.rulesFor(type === null ? [channel] : [type, channel]);
    const plan = this.planOf(rules, info, (rule) => rule.map(read.event, info) as unknown);
    if (plan.work.length === 0 && plan.faults.length === 0) counts.ignored += 1;
    return plan;
  }

  private planOfTombstone(delivery: Delivery): Plan {
    const { counts, typeField } = this.parts;
    const type = delivery.headers[typeField] ?? null;
    const info = infoOf(delivery, type, null);
    const rules = this.rulesFor(type === null ? [delivery.channel] : [type, delivery.channel]);
    const plan = this.planOf(
      rules.filter(({ tombstone }) => tombstone !== null),
      info,
      (rule) => rule.tombstone!(info) as unknown,
    );
    if (plan.work.length === 0 && plan.faults.length === 0) counts.tombstones += 1;
    return plan;
  }

  private rulesFor(names: readonly string[]): BoundRule[] {
    return this.parts.rules().filter((rule) => rule.isFor(names));
  }

  private planOf(rules: readonly BoundRule[], info: EventInfo, answer: (rule: BoundRule) => unknown): Plan {
    const { caches, nowMs, counts } = this.parts;
    const eventMs = info.timestampMs;
    const countBadVersion = () => void (counts.badVersions += 1);
    const judging: Judging = { caches, nowMs: nowMs(), eventMs, countBadVersion };
    const work: EventWork[] = [];
    const faults: CacheError[] = [];
    for (const rule of rules) {
      try {
        work.push(...workOf(rule, () => answer(rule), judging));
      } catch (error) {
        faults.push(asFault(error));
      }
    }
    return { work, faults, eventMs };
  }

  /**
   * Resolves when all is acknowledged, or, where the transport holds nothing back, queued.
   *
   * @returns what will never be
   */
  private async apply(work: readonly EventWork[], delivery: Delivery): Promise<CacheError[]> {
    const { counts, room } = this.parts;
    const outcomes = (await Promise.all(byCache(work).map(applyIn))).flat();
    const delivered: Promise<void>[] = [];
    const lost: CacheError[] = [];
    for (const outcome of outcomes) {
      if (outcome.kind === 'queued') delivered.push(outcome.delivered);
      if (outcome.kind !== 'lost') continue;
      // it comes again after the restart
      if (outcome.why.code === 'RC_CLOSED') throw outcome.why;
      lost.push(outcome.why);
    }
    if (delivered.length === 0) return lost;
    if (delivery.hold !== null) await room.wait(delivered, delivery.hold);
    else counts.queued += 1;
    return lost;
  }
}

/** All evictions of an event in one cache are one group; what it puts comes after them. */
async function applyIn(work: readonly EventWork[]): Promise<EvictionOutcome[]> {
  const { cache } = work[0]!;
  const wanted: Wanted[] = work.flatMap((one) => one.wanted);
  const evicted = wanted.length > 0 ? [await cache.writer.send(wanted)] : [];
  return [...evicted, ...(await Promise.all(work.flatMap(({ puts }) => puts.map((put) => put()))))];
}

function byCache(work: readonly EventWork[]): EventWork[][] {
  const all = new Map<CacheEngine, EventWork[]>();
  for (const one of work) {
    const others = all.get(one.cache);
    if (others) others.push(one);
    else all.set(one.cache, [one]);
  }
  return [...all.values()];
}

function infoOf(delivery: Delivery, type: string | null, eventMs: number | null): EventInfo {
  const { channel, key, headers, timestampMs } = delivery;
  return { type, channel, key, headers, timestampMs: timestampMs ?? eventMs };
}

function asFault(error: unknown): CacheError {
  if (isCacheError(error)) return error;
  return new CacheError('RC_INVALID_EVENT', `The message could not be handled: ${describeThrown(error)}`, {
    cause: error,
  });
}
