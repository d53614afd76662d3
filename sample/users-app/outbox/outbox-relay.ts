import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { DATABASE, type Database } from '../database/database.js';
import { USER_EVENTS } from './domain-event.js';
import { EVENT_PUBLISHER, type EventPublisher } from './event-publisher.js';
import { Outbox } from './outbox.js';
import { bury, claim, forget, type OutboxRow, retryLater } from './outbox-table.js';

const BATCH_SIZE = 100;
/** How often it looks when nobody in this process commits: for what other instances have left. */
const IDLE_MS = 1_000;
/** Longer than an attempt, so that no two relays try the same event. */
const LEASE_S = 30;
const ATTEMPT_MS = 10_000;
/** The waits double from 0.2 s to 5 min: more than an hour goes by before an event is dead. */
const MAX_ATTEMPTS = 24;
const FIRST_WAIT_S = 0.2;
const LONGEST_WAIT_S = 300;

/**
 * Publishes what is in the outbox: at least once, and the events of one key one after another. Each instance of the
 * application runs one.
 */
@Injectable()
export class OutboxRelay implements BeforeApplicationShutdown {
  private readonly logger = new Logger(OutboxRelay.name);
  private running: Promise<void> | null = null;
  private isStopped = false;
  private wake: () => void = () => {};
  private isWoken = false;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(EVENT_PUBLISHER) private readonly publisher: EventPublisher,
    outbox: Outbox,
  ) {
    outbox.onCommit = () => {
      this.isWoken = true;
      this.wake();
    };
  }

  /** When the table is there. */
  start(): void {
    this.running ??= this.run();
  }

  /**
   * Before the publisher and the database are closed. What is left waits in the table for the next start, or another
   * instance.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      this.isWoken = false;
      let count = 0;
      try {
        count = await this.publishBatch();
      } catch (error) {
        this.logger.warn(`The outbox cannot be read: ${messageOf(error)}`);
      }
      if (count === 0) await this.idle();
    }
  }

  /** The first event of each key; what is behind them comes with the next batch. */
  private async publishBatch(): Promise<number> {
    const rows = await this.database.query<OutboxRow>(claim, [LEASE_S, BATCH_SIZE]);
    await Promise.all(rows.map((row) => this.attempt(row)));
    return rows.length;
  }

  private async attempt(row: OutboxRow): Promise<void> {
    const { id, attempts } = row;
    try {
      await this.publish(row);
    } catch (error) {
      return this.failed(row, messageOf(error));
    }
    // should the process end here, it is published again: consumers have its version
    await this.database.query(forget, [id, attempts]);
  }

  private async publish({ id, key, type, payload, createdAt }: OutboxRow): Promise<void> {
    const signal = AbortSignal.timeout(ATTEMPT_MS);
    const timeIsUp = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    const message = { id: String(id), topic: USER_EVENTS, key, headers: { type }, payload, createdAt: +createdAt };
    await Promise.race([this.publisher.publish(message, { signal }), timeIsUp]);
  }

  private async failed({ id, type, attempts }: OutboxRow, reason: string): Promise<void> {
    if (attempts >= MAX_ATTEMPTS) {
      this.logger.error(`Event ${id} (${type}) is dead after ${attempts} attempts: ${reason}`);
      await this.database.query(bury, [id, attempts, reason]);
      return;
    }
    const waitS = Math.min(FIRST_WAIT_S * 2 ** (attempts - 1), LONGEST_WAIT_S);
    this.logger.warn(`Event ${id} (${type}) is tried again in ${waitS} s: ${reason}`);
    await this.database.query(retryLater, [id, attempts, waitS, reason]);
  }

  private async idle(): Promise<void> {
    if (this.isWoken || this.isStopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, IDLE_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
