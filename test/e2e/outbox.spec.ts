import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Database } from '../../sample/users-app/database/database.js';
import { PgliteDatabase } from '../../sample/users-app/database/pglite-database.js';
import { PostgresDatabase } from '../../sample/users-app/database/postgres-database.js';
import { createOutbox } from '../../sample/users-app/outbox/outbox-table.js';
import type { EventPublisher, OutboxMessage } from '../../sample/users-app/outbox/event-publisher.js';
import { Outbox } from '../../sample/users-app/outbox/outbox.js';
import { OutboxRelay } from '../../sample/users-app/outbox/outbox-relay.js';
import { waitUntil } from '../support/servers/processes.js';
import { postgresPrograms, type PostgresServer, startPostgres } from './servers.js';

/** A broker that the test owns. */
class FakeBroker implements EventPublisher {
  readonly description = 'a test';
  readonly published: OutboxMessage[] = [];
  /** May throw, or wait. */
  onPublish: (message: OutboxMessage) => unknown = () => {};

  async publish(message: OutboxMessage): Promise<void> {
    await this.onPublish(message);
    this.published.push(message);
  }
  close = () => Promise.resolve();

  get payloads(): string[] {
    return this.published.map(({ payload }) => {
      const { type, userId, version } = payload as { type: string; userId: number; version: number };
      return `${type} ${userId} v${version}`;
    });
  }
}

function describeOutbox(open: () => Promise<Database>): void {
  let database: Database;
  let broker: FakeBroker;
  let outbox: Outbox;
  const relays: OutboxRelay[] = [];
  beforeAll(async () => {
    Logger.overrideLogger(false);
    database = await open();
    await database.execute(`create schema if not exists users_app; ${createOutbox}`);
  });
  beforeEach(async () => {
    await database.execute('truncate users_app.outbox');
    broker = new FakeBroker();
    outbox = new Outbox(database);
  });
  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.beforeApplicationShutdown()));
  });
  afterAll(() => database?.close());

  const startRelay = (to: EventPublisher = broker, of = outbox) => {
    const relay = new OutboxRelay(database, to, of);
    relays.push(relay);
    relay.start();
  };
  const change = (userId: number, version: number) =>
    outbox.transaction((_, publish) => publish({ type: 'UserUpdated', userId, version }));
  const rows = () =>
    database.query<{ id: number; dead_at: Date | null; last_error: string }>(
      'select id, dead_at, last_error from users_app.outbox order by id',
    );

  it('publishes what was committed, in a moment, and forgets it', async () => {
    startRelay();
    await change(1, 2);
    await waitUntil(() => broker.published.length === 1);
    expect(broker.published[0]).toEqual({
      id: expect.any(String),
      topic: 'user-events',
      key: 'user:1',
      headers: { type: 'UserUpdated' },
      payload: { type: 'UserUpdated', userId: 1, version: 2, timestamp: expect.stringMatching(/^\d{4}-.*Z$/) },
      createdAt: expect.any(Number),
    });
    await waitUntil(async () => (await rows()).length === 0);
  });

  it('publishes nothing of what was rolled back', async () => {
    startRelay();
    const failing = outbox.transaction(async (_, publish) => {
      await publish({ type: 'UserUpdated', userId: 1, version: 2 });
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    await change(2, 2);
    await waitUntil(() => broker.published.length === 1);
    expect(broker.payloads).toEqual(['UserUpdated 2 v2']);
  });

  it('finds what another process has left', async () => {
    await change(1, 2);
    await change(2, 2);
    startRelay(broker, new Outbox(database));
    await waitUntil(() => broker.published.length === 2);
  });

  it('keeps the order of each user, also when an attempt fails, and lets nobody wait for another user', async () => {
    let failures = 2;
    broker.onPublish = ({ key }) => {
      if (key === 'user:1' && failures-- > 0) throw new Error('the broker is away');
    };
    for (const version of [2, 3, 4]) await change(1, version);
    for (const version of [2, 3]) await change(2, version);
    startRelay();
    await waitUntil(() => broker.published.length === 5);
    const of = (user: number) => broker.payloads.filter((text) => text.includes(` ${user} `));
    expect(of(1)).toEqual(['UserUpdated 1 v2', 'UserUpdated 1 v3', 'UserUpdated 1 v4']);
    expect(of(2)).toEqual(['UserUpdated 2 v2', 'UserUpdated 2 v3']);
    expect(broker.payloads.indexOf('UserUpdated 2 v3')).toBeLessThan(broker.payloads.indexOf('UserUpdated 1 v4'));
  });

  it('gives up on an event after many attempts: it stays with its reason, and the next one of its user goes on', async () => {
    broker.onPublish = ({ payload }) => {
      if ((payload as { version: number }).version === 2) throw new Error('too large');
    };
    await change(1, 2);
    await change(1, 3);
    await database.execute(
      'update users_app.outbox set attempts = 23 where id = (select min(id) from users_app.outbox)',
    );
    startRelay();
    await waitUntil(() => broker.published.length === 1);
    expect(broker.payloads).toEqual(['UserUpdated 1 v3']);
    await waitUntil(async () => (await rows()).length === 1);
    expect(await rows()).toEqual([{ id: expect.any(Number), dead_at: expect.any(Date), last_error: 'too large' }]);
  });

  it('shares the work between the relays of several instances: each event once, each user in order', async () => {
    broker.onPublish = () => new Promise((resolve) => setTimeout(resolve, 2));
    for (let version = 2; version < 12; version += 1) for (const user of [1, 2, 3]) await change(user, version);
    for (let n = 0; n < 3; n += 1) startRelay(broker, new Outbox(database));
    await waitUntil(async () => (await rows()).length === 0);
    for (const user of [1, 2, 3]) {
      const versions = broker.payloads.filter((text) => text.includes(` ${user} `)).map((text) => text.split('v')[1]);
      expect(versions).toEqual(Array.from({ length: 10 }, (_, n) => String(n + 2)));
    }
  });

  it('leaves the rest to others when it stops, and waits for what is on its way', async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    broker.onPublish = () => held;
    await change(1, 2);
    await change(1, 3);
    startRelay();
    await waitUntil(async () => (await database.query('select from users_app.outbox where attempts = 1')).length === 1);
    const stopping = relays.splice(0)[0]!.beforeApplicationShutdown();
    letGo();
    await stopping;
    expect(broker.payloads).toEqual(['UserUpdated 1 v2']);
    expect(await rows()).toHaveLength(1);
  });
}

describe('the outbox of the users app on PGlite', () => describeOutbox(() => PgliteDatabase.open()));

const hasServer = Boolean(process.env['DATABASE_URL'] ?? postgresPrograms);
(hasServer ? describe : describe.skip)(
  `the outbox of the users app on PostgreSQL${hasServer ? '' : ' (skipped: no server)'}`,
  () => {
    let server: PostgresServer | undefined;
    describeOutbox(async () => {
      if (!process.env['DATABASE_URL']) server = await startPostgres();
      return new PostgresDatabase(process.env['DATABASE_URL'] ?? server!.url);
    });
    afterAll(() => server?.remove());
  },
);
