/**
 * A read or fill under way that means to write to L1 (R4: the reply may be older than an invalidation
 * that arrives before it).
 */
export interface Ticket {
  readonly entry: string;
  /** Epoch of the bucket when the ticket was taken: a flush voids it. */
  readonly epoch: number;
  isPoisoned: boolean;
}

/** Tickets by key; holds only those in flight, so it is bounded by concurrency. */
export class Tickets {
  private readonly byEntry = new Map<string, Set<Ticket>>();

  take(entry: string, epoch: number): Ticket {
    const ticket = { entry, epoch, isPoisoned: false };
    const tickets = this.byEntry.get(entry);
    if (tickets) tickets.add(ticket);
    else this.byEntry.set(entry, new Set([ticket]));
    return ticket;
  }

  /** The key was invalidated: what is in flight for it must not reach L1. */
  poison(entry: string): void {
    for (const ticket of this.byEntry.get(entry) ?? []) ticket.isPoisoned = true;
  }

  giveBack(ticket: Ticket): void {
    const tickets = this.byEntry.get(ticket.entry);
    tickets?.delete(ticket);
    if (tickets?.size === 0) this.byEntry.delete(ticket.entry);
  }

  get size(): number {
    return this.byEntry.size;
  }
}
