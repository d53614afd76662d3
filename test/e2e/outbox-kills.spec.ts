import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { PostgresDatabase } from '../../sample/users-app/database/postgres-database.js';
import { sharedKafka, unique } from '../support/servers/kafka.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';
import { type BuiltSamples, buildSamples, type SampleProcess } from './sample-processes.js';
import { postgresPrograms, type PostgresServer, startPostgres } from './servers.js';

/** 200 for the figure that the docs state; a few minutes. */
const UPDATES = Number(process.env['OUTBOX_UPDATES'] ?? 24);
const UPDATES_PER_KILL = 8;
/** Of the users that the app begins with, which no other suite changes. */
const USERS = 12;
const TIME_MS = 90_000 + 1_500 * UPDATES;

const hasPostgres = Boolean(process.env['DATABASE_URL'] ?? postgresPrograms);
const describeOnPostgres = hasPostgres ? describe : describe.skip;
const kafka = await sharedKafka();

interface Change {
  readonly userId: number;
  readonly version: number;
}

/** What comes out at the other end, from before the first update on. */
interface Listener {
  readonly heard: Change[];
  close(): Promise<unknown>;
}

describeOnPostgres(
  `the users app, killed at random points of its updates${hasPostgres ? '' : ' (skipped: no server)'}`,
  () => {
    let samples: BuiltSamples;
    let postgres: PostgresServer | undefined;
    let redis: RedisServer | undefined;
    let database: PostgresDatabase;
    let listener: Listener;
    let app: SampleProcess;
    let environment: Record<string, string>;

    beforeAll(async () => {
      samples = buildSamples();
      if (!process.env['DATABASE_URL']) postgres = await startPostgres();
      const databaseUrl = process.env['DATABASE_URL'] ?? postgres!.url;
      database = new PostgresDatabase(databaseUrl);
      if (kafka.isReal) {
        environment = { DATABASE_URL: databaseUrl, KAFKA_BROKERS: kafka.brokers!.join(',') };
      } else {
        redis = await startRedis();
        environment = { DATABASE_URL: databaseUrl, REDIS_URL: redis.url };
      }
      app = await samples.start('users-app', environment);
      await database.execute(witnesses);
      listener = redis ? await listenToRedis(redis.url) : await listenToKafka(kafka.brokers!);
    }, TIME_MS);

    afterAll(async () => {
      await app?.kill();
      await listener?.close();
      await database?.execute(noWitnesses);
      await database?.close();
      await redis?.remove();
      postgres?.remove();
      samples?.remove();
    });

    it(
      `publishes every committed change of ${UPDATES}, none of one that was rolled back, in the order of each user`,
      async () => {
        const { kills, refused, unanswered } = await updateAndKill();
        app = await samples.start('users-app', environment);
        await waitUntil(async () => (await rowsOf('select from users_app.outbox')).length === 0, {
          what: 'the outbox',
        });
        const committed = (await rowsOf(
          'select user_id as "userId", version from users_app.witness',
        )) as unknown as Change[];
        await waitUntil(() => committed.every((change) => has(listener.heard, change)), {
          what: 'the last events',
        }).catch(() => {});

        expect(committed.filter((change) => !has(listener.heard, change))).toEqual([]);
        expect(listener.heard.filter((change) => !has(committed, change))).toEqual([]);
        for (let userId = 1; userId <= USERS; userId += 1) {
          const versions = [
            ...new Set(listener.heard.filter((one) => one.userId === userId).map(({ version }) => version)),
          ];
          expect(versions).toEqual([...versions].sort((a, b) => a - b));
        }
        expect({ kills, refused: refused > 0, committed: committed.length > 0 }).toEqual({
          kills: Math.floor(UPDATES / UPDATES_PER_KILL),
          refused: true,
          committed: true,
        });
        if (process.env['OUTBOX_UPDATES']) {
          const twice = listener.heard.length - committed.length;
          console.info(
            `${UPDATES} updates, ${kills} kills: ${committed.length} committed and published, ${refused} rolled back, ` +
              `${unanswered} unanswered, ${twice} events published more than once; by ${redis ? 'Redis' : kafka.reason}`,
          );
        }
      },
      TIME_MS,
    );

    /**
     * Four clients at once. Every eighth update is the last of its process: it is killed 0 to 30 ms after that was
     * sent.
     */
    async function updateAndKill() {
      let sent = 0;
      let kills = 0;
      let refused = 0;
      let unanswered = 0;
      let restarting: Promise<void> | null = null;
      const killAndRestart = async () => {
        await sleep(30 * Math.random());
        await app.kill();
        app = await samples.start('users-app', environment);
      };
      const client = async () => {
        while (sent < UPDATES) {
          if (restarting) await restarting;
          if (sent >= UPDATES) return;
          sent += 1;
          if (sent % UPDATES_PER_KILL === 0) {
            kills += 1;
            restarting = killAndRestart().finally(() => (restarting = null));
          }
          const status = await update(1 + (sent % USERS), sent);
          if (status === null) unanswered += 1;
          else if (status === 500) refused += 1;
        }
      };
      await Promise.all([client(), client(), client(), client()]);
      await restarting;
      await app.kill();
      return { kills, refused, unanswered };
    }

    /** Every fifth is rolled back by the database when it commits, with its event. Null: no answer. */
    async function update(id: number, n: number): Promise<number | null> {
      const name = n % 5 === 0 ? `Rolled back ${n}` : `Update ${n}`;
      const body = JSON.stringify({ name, email: `kills.${id}@example.org`, orgId: 3 });
      const request = { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body };
      const response = await fetch(`${app.url}/users/${id}`, request).catch(() => null);
      return response && response.status;
    }

    const rowsOf = (sql: string) => database.query<Record<string, unknown>>(sql);
  },
);

const has = (changes: readonly Change[], { userId, version }: Change) =>
  changes.some((one) => one.userId === userId && one.version === version);

/** What the database knows of commits, by itself. */
const noWitnesses = /* sql */ `
  drop trigger if exists witness on users_app.users;
  drop trigger if exists refusal on users_app.users;
  drop function if exists users_app.witness_update;
  drop function if exists users_app.refuse;
  drop table if exists users_app.witness`;
const witnesses = /* sql */ `
  ${noWitnesses};
  create table users_app.witness (user_id integer, version bigint);
  create function users_app.witness_update() returns trigger language plpgsql as
    $$ begin insert into users_app.witness values (new.id, new.version); return null; end $$;
  create trigger witness after update on users_app.users for each row execute function users_app.witness_update();
  create function users_app.refuse() returns trigger language plpgsql as
    $$ begin if new.name like 'Rolled back%' then raise 'refused'; end if; return null; end $$;
  create constraint trigger refusal after update on users_app.users deferrable initially deferred
    for each row execute function users_app.refuse()`;

function take(heard: Change[], since: string, text: string): void {
  const event = JSON.parse(text) as Change & { type: string; timestamp: string };
  if (event.type === 'UserUpdated' && event.userId <= USERS && event.timestamp >= since) heard.push(event);
}

async function listenToKafka(brokers: readonly string[]): Promise<Listener> {
  const heard: Change[] = [];
  const since = new Date().toISOString();
  const client = new Kafka({ clientId: 'kills', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'user-events', numPartitions: 3 }], waitForLeaders: true });
  await admin.disconnect();
  const consumer = client.consumer({ groupId: unique('kills'), maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: ['user-events'], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => take(heard, since, message.value!.toString()) });
  return { heard, close: () => consumer.disconnect() };
}

async function listenToRedis(url: string): Promise<Listener> {
  const heard: Change[] = [];
  const since = new Date().toISOString();
  const subscriber = new Redis(url);
  await subscriber.subscribe('user-events');
  subscriber.on('message', (_, text) => {
    take(heard, since, JSON.stringify((JSON.parse(text) as { data: object }).data));
  });
  return { heard, close: async () => subscriber.disconnect() };
}
