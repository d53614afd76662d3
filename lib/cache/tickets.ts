import { keepShape } from '../shared/keep-shape.js';

/**
 * A read or fill under way that means to write to L1 (R4: the reply may be older than an invalidation
 * that arrives before it).
 */
export interface Ticket {
  /** Epoch of the bucket when the ticket was taken: a flush voids it. */
  readonly epoch: number;
  readonly isPoisoned: boolean;
}

/** A ticket of what is no flight, or none that is found by its key alone. */
export class LooseTicket implements Ticket {
  isPoisoned = false;
  constructor(
    readonly entry: string,
    readonly epoch: number,
  ) {}
}

keepShape(new LooseTicket('', 0));

/**
 * Tickets by key; holds only those in flight, so it is bounded by concurrency. The usual flight of a key is one itself.
 */
export class Tickets {
  private readonly byEntry = new Map<string, Set<LooseTicket>>();

  constructor(private readonly flights: { poison(entry: string): void }) {}

  take(entry: string, epoch: number): LooseTicket {
    const ticket = new LooseTicket(entry, epoch);
    const tickets = this.byEntry.get(entry);
    if (tickets) tickets.add(ticket);
    else this.byEntry.set(entry, new Set([ticket]));
    return ticket;
  }

  /** The key was invalidated: what is in flight for it must not reach L1. */
  poison(entry: string): void {
    this.flights.poison(entry);
    const tickets = this.byEntry.get(entry);
    if (tickets) for (const ticket of tickets) ticket.isPoisoned = true;
  }

  giveBack(ticket: LooseTicket): void {
    const tickets = this.byEntry.get(ticket.entry);
    tickets?.delete(ticket);
    if (tickets?.size === 0) this.byEntry.delete(ticket.entry);
  }

  get size(): number {
    return this.byEntry.size;
  }
}
