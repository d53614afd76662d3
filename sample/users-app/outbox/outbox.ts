import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Queries } from '../database/database.js';
import { type DomainEvent, keyOf } from './domain-event.js';

/** Adds an event to the transaction. */
export type Publish = (event: DomainEvent) => Promise<void>;

/**
 * Changes and the events that tell of them, committed together: an event is published if, and only if, its change was
 * committed. Whatever happens to this process, the row is there, and some relay finds it.
 */
@Injectable()
export class Outbox {
  /** The relay of this process, which need not wait for its next look then. */
  onCommit: () => void = () => {};

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Change the row first: that locks it, so that the events of one user get their numbers in the order of their
   * commits.
   */
  async transaction<T>(run: (tx: Queries, publish: Publish) => Promise<T>): Promise<T> {
    const result = await this.database.transaction((tx) => run(tx, (event) => insert(tx, event)));
    this.onCommit();
    return result;
  }
}

async function insert(tx: Queries, event: DomainEvent): Promise<void> {
  const payload = { ...event, timestamp: new Date().toISOString() };
  await tx.query('insert into users_app.outbox (key, type, payload) values ($1, $2, $3)', [
    keyOf(event),
    event.type,
    JSON.stringify(payload),
  ]);
}
