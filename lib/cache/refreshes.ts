import type { Slot } from './bulkhead.js';
import type { Engine } from './engine.js';
import type { EntryCall, ReadCall } from './entry-call.js';
import { Flight } from './flight.js';
import type { Lease } from './held-lease.js';
import type { LoadRun } from './load-run.js';
import type { Due } from './found.js';
import type { Lookup } from './lookup.js';
import type { Stale } from './stale.js';
import type { LooseTicket } from './tickets.js';

type Parts = Pick<Engine, 'tickets' | 'coherence' | 'background' | 'early' | 'localTier' | 'clock'> & {
  readonly lookup: Lookup;
  readonly loads: LoadRun;
};

/** How long a process that finds another refreshing a key does not ask again. */
const QUIET_MS = 250;

/** Loads behind answers: nobody waits for them, and they wait for no place. */
export class Refreshes {
  constructor(private readonly parts: Parts) {}

  /** While a stale value is served; not where the region has as many loads as it may. */
  behind(call: ReadCall, lease: Lease, stale: Stale): void {
    const slot = slotOf(call);
    if (slot === undefined) lease.release();
    else this.parts.background.run(this.load(call, lease, stale, slot));
  }

  /** At a hit of L1 of a region with `earlyRefresh`. @param value what its caller gets */
  atLocalHit(call: ReadCall, value: unknown): void {
    const { localTier, early, clock } = this.parts;
    const entry = localTier?.peek(call.key);
    if (!entry?.early) return;
    const restMs = entry.freshUntilMs - clock.now();
    if (early.isDue(call, restMs, entry.early.loadMicros, value)) this.early(call, entry.early);
  }

  /** Loads what is still fresh. One instance does. */
  early(call: ReadCall, due: Due): void {
    this.parts.early.began(call.key.entry);
    this.parts.background.run(this.loadEarly(call, due));
  }

  private async loadEarly(call: ReadCall, due: Due): Promise<void> {
    const { lookup, tickets, early } = this.parts;
    let isLoaded = false;
    const slot = slotOf(call);
    try {
      if (slot === undefined) return;
      const ticket = this.takeTicket(call);
      const found = await lookup.refreshLease(call, ticket, due).finally(() => tickets.giveBack(ticket));
      if (found === null) return;
      isLoaded = true;
      await this.load(call, found.lease, found.stale, slot);
    } finally {
      slot?.leave();
      early.ended(call.key.entry, isLoaded ? 0 : QUIET_MS);
    }
  }

  private async load(call: ReadCall, lease: Lease, stale: Stale | null, slot: Slot | null): Promise<void> {
    const { tickets, loads } = this.parts;
    const ticket = this.takeTicket(call);
    const flight = new Flight('', call, undefined, ticket.epoch);
    flight.bulkhead = call.region.bulkhead;
    call.region.counts.refreshes += 1;
    const how = { within: undefined, isRefresh: true, isBesideValue: true, askedAt: null };
    await loads.run({ call, flight, ticket, lease, stale, slot, ...how });
    tickets.giveBack(ticket);
  }

  private takeTicket({ key }: EntryCall): LooseTicket {
    return this.parts.tickets.take(key.entry, this.parts.coherence.view(key.bucket).epoch);
  }
}

/** A place in the bulkhead of the call's region; null: it has none, undefined: it is full. */
function slotOf({ region: { bulkhead } }: EntryCall): Slot | null | undefined {
  return bulkhead === null ? null : (bulkhead.tryEnter() ?? undefined);
}
