import type { StoredEntry } from '../entries/stored-entry.js';
import type { CacheError } from '../shared/errors.js';
import type { BucketPosition, PlainRead, ReadOrLease } from '../stores/remote-store.js';
import type { CachedValue } from '../values/value-pipeline.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import { type Outcome, takeOf } from './flight.js';
import { HeldLease, type Lease, leaseTimes, NO_LEASE } from './held-lease.js';
import { isServableWhileRevalidating, pastMs, type Stale, staleOutcome } from './stale.js';
import type { Ticket } from './tickets.js';

interface Answer {
  readonly kind: 'answer';
  readonly outcome: Outcome;
}

/** A hit as it was found. `at`: when its read was sent, logical time. */
export interface Hit {
  readonly decoded: CachedValue;
  readonly at: number;
  readonly freshUntilMs: number;
}

export function outcomeOf({ decoded, at, freshUntilMs }: Hit): Outcome {
  return { kind: 'value', at, source: 'l2', take: takeOf(decoded), freshUntilMs, isTainted: false };
}

export interface ToLoad {
  readonly kind: 'load';
  readonly lease: Lease;
  /** What may be served meanwhile, or should the load fail. */
  readonly stale: Stale | null;
}

/** What a look at L2 came to: an answer, or the need to load. */
export type Found = Answer | ToLoad;

/** Without the right to fill. */
export const JUST_LOAD: ToLoad = { kind: 'load', lease: NO_LEASE, stale: null };

/**
 * What a plain read says: the value; nothing stands there; a value past its ttl; one that this caller cannot decode; or nothing that could be
 * trusted, so that the server has to judge.
 */
export type Verdict = Hit | 'absent' | 'past' | 'undecodable' | 'undecided';

/** Between two looks at a key that another instance loads: its messages may be lost. */
const WAIT_STEP_MS = { least: 20, most: 60 };

/** A look at L2 (PROTOCOL 5): a verified plain read first, then a lease, or the wait for another's. */
export class Lookup {
  constructor(
    private readonly parts: Pick<
      Engine,
      | 'remote'
      | 'coherence'
      | 'localTier'
      | 'waiters'
      | 'background'
      | 'clock'
      | 'random'
      | 'nextMoment'
      | 'nextToken'
      | 'reads'
      | 'onFailover'
    >,
  ) {}

  /** False: every read asks the server by a function. */
  get readsPlainly(): boolean {
    return this.parts.reads === 'plain';
  }

  /**
   * Looks without taking or waiting. A hit makes one promise here, which is `then`'s.
   *
   * @param failed gets CacheError RC_STORE_UNAVAILABLE
   */
  plainly<T>(
    call: EntryCall,
    ticket: Ticket,
    then: (verdict: Verdict) => T,
    failed: (error: CacheError) => T,
  ): Promise<Awaited<T>> {
    const { key, region } = call;
    const sentAt = this.parts.nextMoment();
    const args = { key, region: region.name, binary: region.codec.binary };
    return this.parts.remote.read(args, (read) => this.judge(call, ticket, read, sentAt), then, failed);
  }

  /**
   * Asks the server, and waits while another instance loads, no longer than the region's `maxWait`.
   *
   * @param verdict what a plain read said
   * @throws CacheError RC_STORE_UNAVAILABLE
   */
  find(call: EntryCall, ticket: Ticket, verdict: Exclude<Verdict, Hit> = 'undecided'): Promise<Found> {
    return this.leaseOrWait(call, ticket, verdict === 'undecodable' ? 'undecodable' : null);
  }

  /**
   * The right to load the key, also where a fresh value stands, which is the `stale` one then. Waits as `find`.
   *
   * @throws CacheError RC_STORE_UNAVAILABLE
   */
  async lease(call: EntryCall, ticket: Ticket): Promise<ToLoad> {
    const found = await this.leaseOrWait(call, ticket, 'unwanted');
    return found.kind === 'load' ? found : JUST_LOAD;
  }

  /** The fresh value, or null; takes nothing and waits for nobody. @throws CacheError RC_STORE_UNAVAILABLE */
  async peek(call: EntryCall, ticket: Ticket): Promise<Outcome | null> {
    if (this.readsPlainly) {
      const verdict = await this.plainly(
        call,
        ticket,
        (seen) => seen,
        (error) => {
          throw error;
        },
      );
      if (typeof verdict === 'object') return outcomeOf(verdict);
      if (verdict !== 'undecided') return null;
    }
    const found = await this.ask(call, ticket, this.parts.nextToken(), false);
    if (found.kind === 'answer') return found.outcome;
    if (found.kind === 'load') found.lease.release();
    return null;
  }

  private judge(call: EntryCall, ticket: Ticket, read: PlainRead, sentAt: number): Verdict {
    const { coherence, clock } = this.parts;
    const { key, region } = call;
    const { entry } = read;
    if (read.foreign) {
      region.counts.decodeFailures += 1;
      return 'undecided';
    }
    const nowMs = clock.now();
    const nowMicros = coherence.serverNowMicros(key.bucket, nowMs);
    const view = coherence.view(key.bucket);
    if (nowMicros === null || !view.trusts(read)) return 'undecided';
    if (entry === null) return 'absent';
    if (!view.admits(entry, region.name)) return 'undecided';
    const freshMs = (entry.freshUntilMicros - nowMicros) / 1_000;
    if (freshMs <= 0) return 'past';
    return this.hit(call, ticket, read.position!, entry, sentAt, nowMs + freshMs) ?? 'undecodable';
  }

  /** @param useless why a value that stands there is of no use */
  private async leaseOrWait(
    call: EntryCall,
    ticket: Ticket,
    useless: 'undecodable' | 'unwanted' | null = null,
  ): Promise<Found> {
    const { clock, random, waiters, nextToken } = this.parts;
    const { key, region, policy } = call;
    const token = nextToken();
    const waitUntilMs = clock.now() + region.options.maxWaitMs;
    for (let hasWaited = false, force = useless !== null; ;) {
      const found = await this.ask(call, ticket, token, force);
      if (found.kind === 'answer' || found.kind === 'load') return found;
      if (found.kind === 'undecodable') {
        force = true;
        continue;
      }
      const { stale } = found;
      if (stale && useless !== 'unwanted' && isServableWhileRevalidating(stale, policy)) {
        return { kind: 'answer', outcome: staleOutcome(stale) };
      }
      const restMs = waitUntilMs - clock.now();
      if (restMs <= 0) return { kind: 'load', lease: NO_LEASE, stale };
      if (!hasWaited) region.counts.leaseWaits += 1;
      hasWaited = true;
      const stepMs = WAIT_STEP_MS.least + (WAIT_STEP_MS.most - WAIT_STEP_MS.least) * random();
      await waiters.wait(key.entry, Math.min(stepMs, restMs));
    }
  }

  /** Asks once for the value or the right to load it. @param force the entry that stands there is of no use */
  private async ask(
    call: EntryCall,
    ticket: Ticket,
    token: string,
    force: boolean,
  ): Promise<Found | { kind: 'held'; stale: Stale | null } | { kind: 'undecodable' }> {
    const { remote, clock, nextMoment, onFailover } = this.parts;
    const { key, region } = call;
    const sentAt = nextMoment();
    const sentAtMs = clock.now();
    const reply = await remote.readOrLease({
      key,
      region: region.name,
      binary: region.codec.binary,
      token,
      ...leaseTimes(region.options.leaseMs),
      force,
      onFailover,
    });
    switch (reply.kind) {
      case 'hit': {
        const freshMs = (reply.entry.freshUntilMicros - reply.nowMicros) / 1_000;
        const hit = this.hit(call, ticket, reply, reply.entry, sentAt, sentAtMs + freshMs);
        return hit ? { kind: 'answer', outcome: outcomeOf(hit) } : { kind: 'undecodable' };
      }
      case 'lease':
        return {
          kind: 'load',
          lease: new HeldLease(this.parts, call, token),
          stale: this.staleOf(call, reply, sentAt),
        };
      case 'held':
        return { kind: 'held', stale: this.staleOf(call, reply, sentAt) };
      case 'fenced':
        return JUST_LOAD;
    }
  }

  /** Null when the entry cannot be decoded: a miss, with a count. */
  private hit(
    call: EntryCall,
    ticket: Ticket,
    position: BucketPosition,
    entry: StoredEntry,
    at: number,
    freshUntilMs: number,
  ): Hit | null {
    const decoded = this.decode(call, entry);
    if (decoded === null) return null;
    const { stamp, tags, payload } = entry;
    this.parts.localTier?.keep(call, ticket, position, decoded, { stamp, tags, freshUntilMs, bytes: payload.length });
    return { decoded, at, freshUntilMs };
  }

  private staleOf(call: EntryCall, reply: ReadOrLease & { kind: 'lease' | 'held' }, at: number): Stale | null {
    const decoded = reply.stale && this.decode(call, reply.stale);
    if (decoded === null) return null;
    const past = pastMs(reply.stale!, reply.nowMicros);
    return { take: takeOf(decoded), at, pastMs: past, freshUntilMs: this.parts.clock.now() - past };
  }

  private decode({ region, policy }: EntryCall, entry: StoredEntry): CachedValue | null {
    try {
      return region.pipelineOf(policy.shape).decode(entry.payload, entry.format);
    } catch (error) {
      region.countUndecodable(policy.where, error);
      return null;
    }
  }
}
