import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { sharedKafka, unique } from '../support/servers/kafka.js';
import { waitUntil } from '../support/servers/processes.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';
import { type BuiltSamples, buildSamples, type SampleProcess } from './sample-processes.js';
import { postgresPrograms, type PostgresServer, startPostgres } from './servers.js';

// processes that start, on a machine that does other things
jest.setTimeout(90_000);

const kafka = await sharedKafka();
// a mock makes no topics
const describeOnKafka = kafka.isReal ? describe : describe.skip;

let samples: BuiltSamples;
let redis: RedisServer;
let postgres: PostgresServer | undefined;
let databaseUrl: string | undefined;
const running: SampleProcess[] = [];

beforeAll(async () => {
  samples = buildSamples();
  redis = await startRedis();
  // without a server each users app has a PGlite of its own
  if (!process.env['DATABASE_URL'] && postgresPrograms) postgres = await startPostgres();
  databaseUrl = process.env['DATABASE_URL'] ?? postgres?.url;
});
afterAll(async () => {
  await stopAll();
  await redis?.remove();
  postgres?.remove();
  samples?.remove();
});

async function start(...args: Parameters<BuiltSamples['start']>): Promise<SampleProcess> {
  const started = await samples.start(...args);
  running.push(started);
  return started;
}

async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((one) => one.stop()));
}

interface Both {
  readonly users: SampleProcess;
  readonly profile: SampleProcess;
}

async function startBoth(environment: Record<string, string | undefined>): Promise<Both> {
  const users = await start('users-app', { TCP_PORT: '0', DATABASE_URL: databaseUrl, ...environment });
  const profile = await start('profile-app', { USERS_PORT: String(users.tcpPort), ...environment });
  return { users, profile };
}

const get = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const nameIn = async (url: string, id: number) => (await get(`${url}/profiles/${id}`)).body['name'];
const send = async (method: string, url: string, body?: object) => {
  const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, { method, ...json });
  expect(response.ok).toBe(true);
  return response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
};

let serial = 0;
const userNamed = (name: string, orgId = 7) => ({
  name,
  email: `two.services.${process.pid}.${Date.now()}.${++serial}@example.org`,
  orgId,
});

/** Its cache is in memory, or under keys of its own service: an answer from it is as old as its last event. */
async function updatesAreSeen(usersUrl: string, profileUrl: string): Promise<void> {
  const { id } = (await send('POST', `${usersUrl}/users`, userNamed('First'))) as { id: number };
  await waitUntil(async () => (await nameIn(profileUrl, id)) === 'First', { what: 'the user' });

  await send('PUT', `${usersUrl}/users/${id}`, userNamed('Second'));
  await waitUntil(async () => (await nameIn(profileUrl, id)) === 'Second', { what: 'the update' });

  await send('PUT', `${usersUrl}/organisations/7`, { name: `Renamed ${serial}` });
  const title = `member of Renamed ${serial}`;
  await waitUntil(async () => (await get(`${profileUrl}/profiles/${id}`)).body['title'] === title, {
    what: 'the name',
  });

  await send('DELETE', `${usersUrl}/users/${id}`);
  await waitUntil(async () => (await get(`${profileUrl}/profiles/${id}`)).status === 404, { what: 'the end' });
}

async function nothingIsEvictedWithoutAnEvent({ users, profile }: Both): Promise<void> {
  const { id } = (await send('POST', `${users.url}/users`, userNamed('Cached'))) as { id: number };
  await waitUntil(async () => (await nameIn(profile.url, id)) === 'Cached', { what: 'the user' });
  const loads = async () => {
    const { regions } = (await get(`${profile.url}/cache`)).body as { regions: Record<string, { loads: number }> };
    return regions['card']!.loads;
  };
  const isHit = async () => {
    const before = await loads();
    for (let n = 0; n < 5; n += 1) expect(await nameIn(profile.url, id)).toBe('Cached');
    return (await loads()) === before;
  };
  // on a busy machine a read may go past a Redis that does not answer in time
  await waitUntil(isHit, { what: 'five hits' });
}

it('updates in one and reads in the other, both in one process, with nothing else at all', async () => {
  const both = await start('profile-app', {});
  const usersUrl = /users-app on (\S+)/.exec(both.output())![1]!;
  await updatesAreSeen(usersUrl, both.url);
  expect((await get(`${both.url}/events`)).body).toMatchObject({ deadLetters: 0, badVersions: 0 });
  await both.stop();
});

describe("two processes, by Nest's Redis transport", () => {
  let both: Both;
  beforeAll(async () => {
    both = await startBoth({ REDIS_URL: redis.url });
  });
  afterAll(stopAll);

  it('updates in one, and reads in the other', async () => {
    await updatesAreSeen(both.users.url, both.profile.url);
    await nothingIsEvictedWithoutAnEvent(both);
  });

  // the last one: there is no users app afterwards
  it('answers from the cache while the users app is away', async () => {
    const { users, profile } = both;
    expect((await get(`${profile.url}/profiles/11`)).status).toBe(200);
    await users.kill();
    expect((await get(`${profile.url}/profiles/11`)).status).toBe(200);
  });
});

describeOnKafka(`two processes, by Kafka (${kafka.reason})`, () => {
  const environment = () => ({ KAFKA_BROKERS: kafka.brokers!.join(','), REDIS_URL: redis.url });
  let both: Both;
  beforeAll(async () => {
    both = await startBoth(environment());
  });
  afterAll(stopAll);

  it('updates in one, and reads in the other', async () => {
    await updatesAreSeen(both.users.url, both.profile.url);
  });

  // the last one: the profile app is another afterwards
  it('hears, after a restart, of what changed while it was away', async () => {
    const { users, profile } = both;
    const { id } = (await send('POST', `${users.url}/users`, userNamed(unique('Before')))) as { id: number };
    await waitUntil(async () => (await get(`${profile.url}/profiles/${id}`)).status === 200, { what: 'the user' });
    await profile.stop();
    await send('PUT', `${users.url}/users/${id}`, userNamed('Meanwhile'));
    const again = await start('profile-app', { USERS_PORT: String(users.tcpPort), ...environment() });
    await waitUntil(async () => (await nameIn(again.url, id)) === 'Meanwhile', { what: 'the update' });
  });
});
