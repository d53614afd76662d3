import type { CompressedHit } from './compressed-entry.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import type { Outcome } from './flight.js';
import { type Due, type Found, JUST_LOAD, outcomeOf, type ToLoad, type Unread } from './found.js';
import { Hits } from './hits.js';
import { LeaseLook } from './lease-look.js';
import { type Follower, PlainLook, rethrow } from './plain-look.js';
import type { Ticket } from './tickets.js';

/** A look at L2 (PROTOCOL 5): a verified plain read first, then a lease, or the wait for another's. */
export class Lookup {
  private readonly hits: Hits;
  private readonly plain: PlainLook;
  private readonly leases: LeaseLook;

  constructor(private readonly parts: Engine) {
    this.hits = new Hits(parts);
    this.plain = new PlainLook({ ...parts, hits: this.hits });
    this.leases = new LeaseLook({ ...parts, hits: this.hits });
  }

  /** False: every read asks the server by a function. */
  private get readsPlainly(): boolean {
    return this.parts.reads === 'plain';
  }

  /**
   * Whether a plain read comes before the lease: not where recent ones found next to nothing, unless a stale value is
   * all that is wanted.
   */
  beginsPlainly({ key, region }: EntryCall): boolean {
    return this.readsPlainly && (!region.finds.isRare || this.parts.backOff.isOn(key.entry));
  }

  /** As {@link PlainLook.look}. */
  plainly<T>(call: EntryCall, ticket: Ticket, follower: Follower<T>): Promise<Awaited<T>> {
    return this.plain.look(call, ticket, follower);
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
    return this.leases.leaseOrWait(call, ticket, verdict === 'undecodable' ? 'undecodable' : null);
  }

  private async findCompressed(call: EntryCall, ticket: Ticket, found: CompressedHit): Promise<Found> {
    const hit = await this.hits.decompressed(call, ticket, found);
    return hit
      ? { kind: 'answer', outcome: outcomeOf(hit), due: hit.due }
      : this.leases.leaseOrWait(call, ticket, 'undecodable');
  }

  /** While the source is out of order: the stale value, without a lease. */
  private async findInPause(call: EntryCall, ticket: Ticket): Promise<Found> {
    return this.leases.inPause(call, await this.plain.stale(call)) ?? this.leases.leaseOrWait(call, ticket);
  }

  /**
   * The right to load the key, also where a fresh value stands, which is the `stale` one then. Waits as `find`.
   *
   * @throws CacheError RC_STORE_UNAVAILABLE
   */
  async lease(call: EntryCall, ticket: Ticket): Promise<ToLoad> {
    const found = await this.leases.leaseOrWait(call, ticket, 'unwanted');
    return found.kind === 'load' ? found : JUST_LOAD;
  }

  /** The fresh value, or null; takes nothing and waits for nobody. @throws CacheError RC_STORE_UNAVAILABLE */
  async peek(call: EntryCall, ticket: Ticket): Promise<Outcome | null> {
    if (this.readsPlainly) {
      const verdict = await this.plainly(call, ticket, { found: (seen) => seen, failed: rethrow });
      if (typeof verdict === 'object') {
        const hit = verdict.decoded === null ? await this.hits.decompressed(call, ticket, verdict) : verdict;
        return hit && outcomeOf(hit);
      }
      if (verdict !== 'undecided') return null;
    }
    const found = await this.leases.ask(call, ticket);
    if (found.kind === 'answer') return found.outcome;
    if (found.kind === 'load') found.lease.release();
    return null;
  }

  /** As {@link LeaseLook.refreshLease}. */
  refreshLease(call: EntryCall, ticket: Ticket, seen: Due): Promise<ToLoad | null> {
    return this.leases.refreshLease(call, ticket, seen);
  }
}
