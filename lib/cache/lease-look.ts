import type { ReadOrLease } from '../stores/remote-store.js';
import { compressedIn, decompressedReply } from './compressed-entry.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import { type Answer, type Due, type Found, JUST_LOAD, outcomeOf, staleAnswer, type ToLoad } from './found.js';
import { HeldLease, leaseTimes } from './held-lease.js';
import type { Hits } from './hits.js';
import { isServableAtAll, isServableOnError, isServableWhileRevalidating, type Stale } from './stale.js';
import type { Ticket } from './tickets.js';

type Parts = Pick<
  Engine,
  | 'remote'
  | 'waiters'
  | 'backOff'
  | 'background'
  | 'compression'
  | 'clock'
  | 'random'
  | 'nextMoment'
  | 'nextToken'
  | 'onFailover'
> & { readonly hits: Hits };

/** Another has the lease. */
interface Held {
  readonly kind: 'held';
  readonly stale: Stale | null;
  readonly askedAt: number;
}

/** What does not end the questions. */
type Undecided = Held | { readonly kind: 'undecodable' };

/** What one question comes to. */
type Asked = Found | Undecided;

/** A look that goes on until it is decided. */
interface Asking {
  readonly call: EntryCall;
  readonly ticket: Ticket;
  /** Why a value that stands there is of no use. */
  readonly useless: 'undecodable' | 'unwanted' | null;
  readonly token: string;
  readonly beganAtMs: number;
}

/** Between two looks at a key that another instance loads: its messages may be lost. */
const WAIT_STEP_MS = { least: 20, most: 60 };

/** The server's word (PROTOCOL 5): the value, the right to load it, or the wait for another's. */
export class LeaseLook {
  constructor(private readonly parts: Parts) {}

  /**
   * Asks, and waits while another instance loads.
   *
   * @param useless why a value that stands there is of no use
   */
  leaseOrWait(call: EntryCall, ticket: Ticket, useless: 'undecodable' | 'unwanted' | null = null): Promise<Found> {
    const { clock, nextMoment, nextToken } = this.parts;
    const beganAtMs = clock.now();
    const asking = { call, ticket, useless, token: nextToken(), beganAtMs };
    const sentAt = nextMoment();
    // not async: on the path of every miss, where the first answer nearly always decides
    return this.request(call, asking.token, useless !== null, (reply) => {
      const asked = this.found(call, ticket, asking.token, reply, sentAt, beganAtMs);
      return this.decided(asking, asked) ?? this.goOn(asking, asked as Undecided);
    });
  }

  private async goOn(asking: Asking, undecided: Undecided): Promise<Found> {
    const { clock, nextMoment } = this.parts;
    const { call, ticket, useless, token, beganAtMs } = asking;
    let asked: Undecided = undecided;
    let hasWaited = false;
    let force = useless !== null;
    for (;;) {
      if (asked.kind === 'undecodable') force = true;
      else {
        const instead = this.insteadOfWaiting(call, asked, beganAtMs, useless === 'unwanted');
        if (typeof instead === 'object') return instead;
        if (!hasWaited) call.region.counts.leaseWaits += 1;
        hasWaited = true;
        await this.wait(call, instead);
      }
      const nowMs = clock.now();
      const sentAt = nextMoment();
      const next = await this.request(call, token, force, (reply) =>
        this.found(call, ticket, token, reply, sentAt, nowMs),
      );
      const decided = this.decided(asking, next);
      if (decided !== null) return decided;
      asked = next as Undecided;
    }
  }

  /** Null: another has the lease, or what stands there cannot be decoded. */
  private decided({ call, useless }: Asking, asked: Asked): Found | null {
    if (asked.kind === 'answer') return asked;
    if (asked.kind !== 'load') return null;
    const instead = useless === null ? this.inPause(call, asked.stale) : null;
    if (instead) asked.lease.release();
    return instead ?? asked;
  }

  /** What there is to do while another loads; else how long it may be waited for, ms. */
  private insteadOfWaiting(
    { key, region, policy }: EntryCall,
    { stale, askedAt }: Held,
    beganAtMs: number,
    isUnwanted: boolean,
  ): Found | number {
    const { clock, backOff } = this.parts;
    let untilMs = beganAtMs + region.options.maxWaitMs;
    if (stale && !isUnwanted) {
      if (isServableWhileRevalidating(stale, policy)) return staleAnswer(stale);
      if (isServableOnError(stale, policy)) {
        const softUntilMs = beganAtMs + policy.softTimeoutMs;
        if (clock.now() >= softUntilMs || backOff.isOn(key.entry)) return staleAnswer(stale);
        untilMs = Math.min(untilMs, softUntilMs);
      }
    }
    const restMs = untilMs - clock.now();
    return restMs <= 0 ? { ...JUST_LOAD, stale, askedAt } : restMs;
  }

  private wait({ key }: EntryCall, restMs: number): Promise<void> {
    const { waiters, random } = this.parts;
    const stepMs = WAIT_STEP_MS.least + (WAIT_STEP_MS.most - WAIT_STEP_MS.least) * random();
    return waiters.wait(key.entry, Math.min(stepMs, restMs));
  }

  /** Asks once, and waits for nobody. @throws CacheError RC_STORE_UNAVAILABLE */
  ask(call: EntryCall, ticket: Ticket): Promise<Asked> {
    const { clock, nextMoment, nextToken } = this.parts;
    const [token, sentAt, sentAtMs] = [nextToken(), nextMoment(), clock.now()];
    return this.request(call, token, false, (reply) => this.found(call, ticket, token, reply, sentAt, sentAtMs));
  }

  /** What a reply comes to. */
  private found(
    call: EntryCall,
    ticket: Ticket,
    token: string,
    reply: ReadOrLease,
    sentAt: number,
    sentAtMs: number,
  ): Asked {
    const { hits } = this.parts;
    switch (reply.kind) {
      case 'hit': {
        const freshMs = (reply.entry.freshUntilMicros - reply.nowMicros) / 1_000;
        const hit = hits.hit(call, ticket, reply, reply.entry, sentAt, sentAtMs, freshMs);
        return hit ? { kind: 'answer', outcome: outcomeOf(hit), due: hit.due } : { kind: 'undecodable' };
      }
      case 'lease': {
        const lease = new HeldLease(this.parts, call, token);
        return { kind: 'load', lease, stale: hits.staleOf(call, reply, sentAt), askedAt: sentAt };
      }
      case 'held':
        return { kind: 'held', stale: hits.staleOf(call, reply, sentAt), askedAt: sentAt };
      case 'fenced':
        return { ...JUST_LOAD, askedAt: sentAt };
    }
  }

  /** What is compressed and came as text is asked for again: the same token is answered alike. */
  private request<T>(
    { key, region }: EntryCall,
    token: string,
    force: boolean,
    then: (reply: ReadOrLease) => T | Promise<T>,
  ): Promise<T> {
    const { remote, onFailover, compression } = this.parts;
    const { leaseMs, keepMs } = leaseTimes(region.options.leaseMs);
    const ask = () =>
      remote.readOrLease({
        key,
        token,
        leaseMs,
        keepMs,
        region: region.name,
        binary: region.readsBytes,
        force,
        onFailover,
      });
    return ask().then((reply) =>
      compressedIn(reply) === null ? then(reply) : decompressedReply(region, reply, ask, compression).then(then),
    );
  }

  /** The stale value while the source is out of order, or null. */
  inPause({ key, policy }: EntryCall, stale: Stale | null): Answer | null {
    if (stale === null || !isServableAtAll(stale, policy)) return null;
    return this.parts.backOff.isOn(key.entry) ? staleAnswer(stale) : null;
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
    const reply = await this.request(call, token, true, (one) => one);
    if (reply.kind !== 'lease') return null;
    const lease = new HeldLease(this.parts, call, token);
    const { stale: stands, nowMicros, incarnation } = reply;
    if (stands !== null && stands.freshUntilMicros <= seen.freshUntilMicros) {
      return { kind: 'load', lease, stale: this.parts.hits.staleOf(call, reply, at), askedAt: at };
    }
    lease.release();
    if (stands === null || stands.incarnation !== incarnation) return null;
    const freshMs = (stands.freshUntilMicros - nowMicros) / 1_000;
    if (freshMs > 0) this.parts.hits.hit(call, ticket, reply, stands, at, nowMs, freshMs);
    return null;
  }
}
