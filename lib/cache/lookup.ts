import type { StoredEntry } from '../entries/stored-entry.js';
import type { CacheError } from '../shared/errors.js';
import type { BucketPosition, PlainRead, ReadOrLease } from '../stores/remote-store.js';
import { isCompressed } from '../values/compression.js';
import type { CachedValue } from '../values/value-pipeline.js';
import { compressedIn, type CompressedHit, decompressed, decompressedReply, isMangled } from './compressed-entry.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import { type Outcome, takeOf } from './flight.js';
import {
  type Answer,
  type Due,
  type Found,
  type Hit,
  JUST_LOAD,
  outcomeOf,
  staleAnswer,
  type ToLoad,
  type Unread,
  type Verdict,
} from './found.js';
import { HeldLease, leaseTimes } from './held-lease.js';
import { isServableAtAll, isServableOnError, isServableWhileRevalidating, pastMs, type Stale } from './stale.js';
import type { Ticket } from './tickets.js';

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
      | 'backOff'
      | 'early'
      | 'background'
      | 'compression'
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
   * Whether a plain read comes before the lease: not where recent ones found next to nothing, unless a stale value is
   * all that is wanted.
   */
  beginsPlainly({ key, region }: EntryCall): boolean {
    return this.readsPlainly && (!region.finds.isRare || this.parts.backOff.isOn(key.entry));
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
    const args = { key, region: region.name, binary: region.readsBytes };
    return this.parts.remote.read(args, (read) => this.judge(call, ticket, read, sentAt), then, failed);
  }

  /**
   * Asks the server, and waits while another instance loads, no longer than the region's `maxWait`.
   *
   * @param verdict what a plain read said
   * @throws CacheError RC_STORE_UNAVAILABLE
   */
  find(call: EntryCall, ticket: Ticket, verdict: Unread = 'undecided'): Promise<Found> {
    if (typeof verdict === 'object') return this.findCompressed(call, ticket, verdict);
    if (verdict === 'past' && this.parts.backOff.isOn(call.key.entry)) return this.findInPause(call, ticket);
    return this.leaseOrWait(call, ticket, verdict === 'undecodable' ? 'undecodable' : null);
  }

  private async findCompressed(call: EntryCall, ticket: Ticket, found: CompressedHit): Promise<Found> {
    const hit = await this.decompressedHit(call, ticket, found);
    return hit
      ? { kind: 'answer', outcome: outcomeOf(hit), due: hit.due }
      : this.leaseOrWait(call, ticket, 'undecodable');
  }

  /** While the source is out of order: the stale value, by another plain read, without a lease. */
  private async findInPause(call: EntryCall, ticket: Ticket): Promise<Found> {
    const { remote, nextMoment } = this.parts;
    const { key, region } = call;
    const sentAt = nextMoment();
    const args = { key, region: region.name, binary: region.readsBytes };
    const found = await remote.read(
      args,
      (read) => this.staleIn(call, read),
      (seen) => seen,
      rethrow,
    );
    const stale =
      found &&
      this.stale(call, await decompressed(call.region, found.entry, this.parts.compression), found.nowMicros, sentAt);
    return this.inPause(call, stale) ?? this.leaseOrWait(call, ticket);
  }

  /** By the rules of `judge`. */
  private staleIn(call: EntryCall, { entry, ...read }: PlainRead): { entry: StoredEntry; nowMicros: number } | null {
    const { coherence, clock } = this.parts;
    const { key, region } = call;
    const nowMicros = coherence.serverNowMicros(key.bucket, clock.now());
    const view = coherence.view(key.bucket);
    if (nowMicros === null || entry === null || read.foreign || !view.trusts({ entry, ...read })) return null;
    return view.admits(entry, region.name) && !isMangled(region, entry) ? { entry, nowMicros } : null;
  }

  private inPause({ key, policy }: EntryCall, stale: Stale | null): Answer | null {
    if (stale === null || !isServableAtAll(stale, policy)) return null;
    return this.parts.backOff.isOn(key.entry) ? staleAnswer(stale) : null;
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
      const verdict = await this.plainly(call, ticket, (seen) => seen, rethrow);
      if (typeof verdict === 'object') {
        const hit = verdict.decoded === null ? await this.decompressedHit(call, ticket, verdict) : verdict;
        return hit && outcomeOf(hit);
      }
      if (verdict !== 'undecided') return null;
    }
    const found = await this.ask(call, ticket, this.parts.nextToken(), false);
    if (found.kind === 'answer') return found.outcome;
    if (found.kind === 'load') found.lease.release();
    return null;
  }

  private judge(call: EntryCall, ticket: Ticket, read: PlainRead, sentAt: number): Verdict {
    const verdict = this.verdictOf(call, ticket, read, sentAt);
    // a load may follow, also where the server grants no lease
    if (typeof verdict !== 'object' && read.identified && read.position !== null)
      this.parts.coherence.view(call.key.bucket).require(read.position);
    return verdict;
  }

  private verdictOf(call: EntryCall, ticket: Ticket, read: PlainRead, sentAt: number): Verdict {
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
    if (isCompressed(entry.format)) {
      if (isMangled(region, entry)) return 'undecided';
      return { decoded: null, entry, position: read.position!, at: sentAt, nowMs, freshMs };
    }
    return this.hit(call, ticket, read.position!, entry, sentAt, nowMs, freshMs) ?? 'undecodable';
  }

  /** @param useless why a value that stands there is of no use */
  private async leaseOrWait(
    call: EntryCall,
    ticket: Ticket,
    useless: 'undecodable' | 'unwanted' | null = null,
  ): Promise<Found> {
    const { clock, random, waiters, backOff, nextToken } = this.parts;
    const { key, region, policy } = call;
    const token = nextToken();
    const waitUntilMs = clock.now() + region.options.maxWaitMs;
    const softUntilMs = clock.now() + policy.softTimeoutMs;
    for (let hasWaited = false, force = useless !== null; ;) {
      const found = await this.ask(call, ticket, token, force);
      if (found.kind === 'answer') return found;
      if (found.kind === 'load') {
        const instead = useless === null ? this.inPause(call, found.stale) : null;
        if (instead) found.lease.release();
        return instead ?? found;
      }
      if (found.kind === 'undecodable') {
        force = true;
        continue;
      }
      const { stale, askedAt } = found;
      let untilMs = waitUntilMs;
      if (stale && useless !== 'unwanted') {
        if (isServableWhileRevalidating(stale, policy)) return staleAnswer(stale);
        if (isServableOnError(stale, policy)) {
          if (clock.now() >= softUntilMs || backOff.isOn(key.entry)) return staleAnswer(stale);
          untilMs = Math.min(waitUntilMs, softUntilMs);
        }
      }
      const restMs = untilMs - clock.now();
      if (restMs <= 0) return { ...JUST_LOAD, stale, askedAt };
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
  ): Promise<Found | { kind: 'held'; stale: Stale | null; askedAt: number } | { kind: 'undecodable' }> {
    const { clock, nextMoment } = this.parts;
    const sentAt = nextMoment();
    const sentAtMs = clock.now();
    const reply = await this.request(call, token, force);
    switch (reply.kind) {
      case 'hit': {
        const freshMs = (reply.entry.freshUntilMicros - reply.nowMicros) / 1_000;
        const hit = this.hit(call, ticket, reply, reply.entry, sentAt, sentAtMs, freshMs);
        return hit ? { kind: 'answer', outcome: outcomeOf(hit), due: hit.due } : { kind: 'undecodable' };
      }
      case 'lease':
        return {
          kind: 'load',
          lease: new HeldLease(this.parts, call, token),
          stale: this.staleOf(call, reply, sentAt),
          askedAt: sentAt,
        };
      case 'held':
        return { kind: 'held', stale: this.staleOf(call, reply, sentAt), askedAt: sentAt };
      case 'fenced':
        return { ...JUST_LOAD, askedAt: sentAt };
    }
  }

  /** What is compressed and came as text is asked for again: the same token is answered alike. */
  private async request({ key, region }: EntryCall, token: string, force: boolean): Promise<ReadOrLease> {
    const { remote, onFailover, compression } = this.parts;
    const times = leaseTimes(region.options.leaseMs);
    const ask = () => {
      const how = { region: region.name, binary: region.readsBytes, force, onFailover };
      return remote.readOrLease({ key, token, ...times, ...how });
    };
    const reply = await ask();
    return compressedIn(reply) === null ? reply : decompressedReply(region, reply, ask, compression);
  }

  /**
   * As `hit`. Its read began before whatever happens meanwhile, and L1 keeps nothing that was voided meanwhile: the
   * ticket says so.
   */
  private async decompressedHit(call: EntryCall, ticket: Ticket, found: CompressedHit): Promise<Hit | null> {
    const { position, at, nowMs, freshMs } = found;
    const entry = await decompressed(call.region, found.entry, this.parts.compression);
    return this.hit(call, ticket, position, entry, at, nowMs, freshMs);
  }

  /**
   * The right to load anew what was read as `seen`, while it is still served. Null: the entry is gone; or another has
   * that right, or has refreshed it already, so that L1 follows. Waits for nobody, so that the whole fleet refreshes it
   * once.
   *
   * @throws CacheError RC_STORE_UNAVAILABLE
   */
  async refreshLease(call: EntryCall, ticket: Ticket, seen: Due): Promise<ToLoad | null> {
    const { clock, nextMoment } = this.parts;
    const token = this.parts.nextToken();
    const at = nextMoment();
    const nowMs = clock.now();
    const reply = await this.request(call, token, true);
    if (reply.kind !== 'lease') return null;
    const lease = new HeldLease(this.parts, call, token);
    const { stale: stands, nowMicros, incarnation } = reply;
    if (stands !== null && stands.freshUntilMicros <= seen.freshUntilMicros) {
      return { kind: 'load', lease, stale: this.staleOf(call, reply, at), askedAt: at };
    }
    lease.release();
    if (stands === null || stands.incarnation !== incarnation) return null;
    const freshMs = (stands.freshUntilMicros - nowMicros) / 1_000;
    if (freshMs > 0) this.hit(call, ticket, reply, stands, at, nowMs, freshMs);
    return null;
  }

  /**
   * Null when the entry cannot be decoded: a miss, with a count.
   *
   * @param nowMs local, when it was fresh for `freshMs`
   */
  private hit(
    call: EntryCall,
    ticket: Ticket,
    position: BucketPosition,
    entry: StoredEntry,
    at: number,
    nowMs: number,
    freshMs: number,
  ): Hit | null {
    const decoded = this.decode(call, entry);
    if (decoded === null) return null;
    const freshUntilMs = nowMs + freshMs;
    const { stamp, tags, payload, freshUntilMicros, loadMicros } = entry;
    const kept = { stamp, tags, freshUntilMs, at, bytes: payload.length, freshUntilMicros, loadMicros };
    this.parts.localTier?.keep(call, ticket, position, decoded, kept);
    return {
      decoded,
      at,
      freshUntilMs,
      due: call.policy.earlyRefresh > 0 ? this.due(call, entry, decoded, freshMs) : null,
    };
  }

  private due(call: EntryCall, entry: StoredEntry, { value }: CachedValue, freshMs: number): Due | null {
    const { freshUntilMicros, loadMicros } = entry;
    return this.parts.early.isDue(call, freshMs, loadMicros, value) ? { freshUntilMicros, loadMicros } : null;
  }

  private staleOf(call: EntryCall, reply: ReadOrLease & { kind: 'lease' | 'held' }, at: number): Stale | null {
    return reply.stale && this.stale(call, reply.stale, reply.nowMicros, at);
  }

  /** Null: it cannot be decoded. */
  private stale(call: EntryCall, entry: StoredEntry, nowMicros: number, at: number): Stale | null {
    const decoded = this.decode(call, entry);
    if (decoded === null) return null;
    const past = pastMs(entry, nowMicros);
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

function rethrow(error: CacheError): never {
  throw error;
}
