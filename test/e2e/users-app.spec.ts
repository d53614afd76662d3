import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Database } from '../../sample/users-app/database/database.js';
import { PgliteDatabase } from '../../sample/users-app/database/pglite-database.js';
import { PostgresDatabase } from '../../sample/users-app/database/postgres-database.js';
import type { User, UserPage, UserSummary } from '../../sample/users-app/user.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';
import { postgresPrograms, type PostgresServer, startPostgres } from './servers.js';
import { type Answer, aUserInput, closeUsersApps, startUsersApp, type UsersApp } from './users-app.js';

/** D of the cache's L1, with room for a slow machine: within this an update shows on other instances. */
const L1_BOUND_MS = 1_500;

// a busy machine takes its time for slow queries in WebAssembly
jest.setTimeout(30_000);

const hasPostgres = Boolean(process.env['DATABASE_URL'] ?? postgresPrograms);
const describeOnPostgres = hasPostgres ? describe : describe.skip;
type Settings = Parameters<typeof startUsersApp>[0];
let redis: RedisServer;
let redisUrl: string;
let pglite: Database;

beforeAll(async () => {
  redis = await startRedis();
  redisUrl = redis.url;
  pglite = await PgliteDatabase.open();
}, 60_000);

afterAll(async () => {
  await pglite?.close();
  await redis?.remove();
});

describe('users-app on PGlite and the embedded store', () => {
  describeOneInstance(() => ({ database: pglite, redisUrl: undefined }));
  describeInput(() => ({ database: pglite, redisUrl: undefined }));
});

describe('users-app on PGlite and Redis, its cached responses', () => {
  it('come from the cache with an entity tag, and end when the organisation or one of its users changes', async () => {
    const app = await startUsersApp({ database: pglite, redisUrl });
    const other = await startUsersApp({ database: pglite, redisUrl });
    const ask = (headers?: Record<string, string>) => app.raw('/organisations/4', headers);
    const { etag, body } = await ask();
    const count = (JSON.parse(body) as { userCount: number }).userCount;
    expect(await ask()).toMatchObject({
      status: 200,
      body,
      etag,
      cacheStatus: expect.stringMatching(/^RedisCache; hit; ttl=/),
    });
    expect(await ask({ 'If-None-Match': etag! })).toMatchObject({ status: 304, body: '', etag });
    expect(await other.raw('/organisations/4')).toMatchObject({
      body,
      etag,
      cacheStatus: expect.stringMatching(/hit/),
    });
    await app.put('/organisations/4', { name: `Renamed ${Date.now()}` });
    expect(JSON.parse((await ask({ 'If-None-Match': etag! })).body).name).toMatch(/^Renamed/);
    await app.post('/users', aUserInput({ orgId: 4 }));
    expect(JSON.parse((await ask()).body).userCount).toBe(count + 1);
    await eventually(async () => {
      expect(JSON.parse((await other.raw('/organisations/4')).body).userCount).toBe(count + 1);
    });
    expect((await app.raw('/organisations/999999')).status).toBe(404);
    await closeUsersApps();
  });
});

describe('users-app on PGlite and Redis', () => {
  describeOneInstance(() => ({ database: pglite, redisUrl }));
  describeSeveralInstances(() => ({ database: pglite, redisUrl }));
  if (!hasPostgres) describeNewDatabase(() => ({ database: pglite, redisUrl }));
});

describeOnPostgres(
  `users-app on PostgreSQL and Redis${hasPostgres ? '' : ' (skipped: DATABASE_URL is not set and no server is installed)'}`,
  () => {
    let database: Database;
    let server: PostgresServer | undefined;
    beforeAll(async () => {
      if (process.env['DATABASE_URL']) {
        database = new PostgresDatabase(process.env['DATABASE_URL']);
      } else {
        server = await startPostgres();
        database = new PostgresDatabase(server.url);
      }
    }, 30_000);

    describeOneInstance(() => ({ database, redisUrl }));
    describeSeveralInstances(() => ({ database, redisUrl }));
    describeNewDatabase(() => ({ database, redisUrl }));

    // after the instances
    afterAll(async () => {
      await database?.close();
      server?.remove();
    });
  },
);

function describeOneInstance(settings: () => Settings): void {
  let app: UsersApp;
  beforeAll(async () => {
    app = await startUsersApp(settings());
  }, 60_000);
  afterAll(closeUsersApps);

  const created = async (changes = {}): Promise<User> => (await app.post('/users', aUserInput(changes))).body;

  it('asks the database once and gives the same answer from the cache', async () => {
    const first = await app.get('/users/17');
    const second = await app.get('/users/17');
    expect(first).toMatchObject({ status: 200, cache: 'miss', body: { id: 17, version: 1 } });
    expect(second).toMatchObject({ status: 200, cache: expect.stringMatching(/^l[12]$/) });
    expect(second.body).toEqual(first.body);
    expect(first.serverTiming).toMatch(/^total;dur=\d+\.\d\d, db;dur=(?!0\.00)\d+\.\d\d$/);
    expect(second.serverTiming).toMatch(/, db;dur=0\.00$/);
  });

  it('answers from the memory of the process when it can prove that nothing changed', async () => {
    await app.get('/users/18/summary');
    await eventually(async () => expect((await app.get('/users/18/summary')).cache).toBe('l1'));
  });

  it('runs a slow query once for many who ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => app.get<UserSummary>('/users/19/summary')));
    expect(answers.filter(({ cache }) => cache === 'miss')).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers[0]!.body).toMatchObject({ id: 19, rankInOrganisation: expect.any(Number) });
  });

  it('shows an update at once, without asking the database again', async () => {
    const user = await created();
    await app.get(`/users/${user.id}`);
    const updated = await app.put(`/users/${user.id}`, aUserInput({ name: 'Renamed Person' }));
    expect(updated).toMatchObject({ status: 200, cache: null, body: { name: 'Renamed Person', version: 2 } });
    const read = await app.get(`/users/${user.id}`);
    expect(read.cache).not.toBe('miss');
    expect(read.body).toEqual(updated.body);
  });

  it('evicts the summary and the pages that show an updated user', async () => {
    const user = await created({ orgId: 11 });
    const paths = [`/users/${user.id}/summary`, `/users?search=${encodeURIComponent(user.email)}`];
    for (const path of paths) await app.get(path);
    for (const path of paths) expect((await app.get(path)).cache).not.toBe('miss');
    await app.put(`/users/${user.id}`, aUserInput({ name: 'Another Name', email: user.email }));
    const [summary, page] = await Promise.all(paths.map((path) => app.get<UserSummary & UserPage>(path)));
    expect(summary).toMatchObject({ cache: 'miss', body: { name: 'Another Name' } });
    expect(page).toMatchObject({ cache: 'miss', body: { total: 1, items: [{ id: user.id, name: 'Another Name' }] } });
  });

  it('never shows less than an acknowledged update while others read and write', async () => {
    const { id } = await created();
    let acknowledged = 1;
    let isDone = false;
    const read = async () => {
      while (!isDone) {
        const atLeast = acknowledged;
        const { body } = await app.get(`/users/${id}`);
        expect(body.version).toBeGreaterThanOrEqual(atLeast);
      }
    };
    const write = async () => {
      for (let round = 0; round < 15; round += 1) {
        const { body } = await app.put(`/users/${id}`, aUserInput());
        acknowledged = Math.max(acknowledged, body.version);
      }
    };
    const readers = Array.from({ length: 6 }, read);
    await Promise.all([write(), write()]).finally(() => (isDone = true));
    await Promise.all(readers);
    expect(acknowledged).toBe(31);
    expect((await app.get(`/users/${id}`)).body.version).toBe(31);
  });

  it('deletes: the user is gone at once, and that is cached too', async () => {
    const { id } = await created();
    await app.get(`/users/${id}`);
    await app.get(`/users/${id}/summary`);
    expect(await app.delete(`/users/${id}`)).toMatchObject({ status: 204, body: null });
    for (const path of [`/users/${id}`, `/users/${id}/summary`]) {
      expect(await app.get(path)).toMatchObject({ status: 404, cache: 'miss' });
      expect(await app.get(path)).toMatchObject({ status: 404, cache: expect.stringMatching(/^l[12]$/) });
    }
    expect((await app.delete(`/users/${id}`)).status).toBe(404);
  });

  it('forgets the cached 404 of an id when a user of that id is created', async () => {
    const nextId = (await created()).id + 1;
    for (const path of [`/users/${nextId}`, `/users/${nextId}/summary`]) {
      expect(await app.get(path)).toMatchObject({ status: 404, cache: 'miss' });
      expect((await app.get(path)).cache).not.toBe('miss');
    }
    expect(await app.post('/users', aUserInput())).toMatchObject({ status: 201, body: { id: nextId } });
    expect((await app.get(`/users/${nextId}`)).status).toBe(200);
    expect((await app.get(`/users/${nextId}/summary`)).status).toBe(200);
  });

  it('pages, filters and searches', async () => {
    const page = (query: string) => app.get<UserPage>(`/users?${query}`);
    const { body: first } = await page('orgId=5&pageSize=3');
    const { body: second } = await page('orgId=5&pageSize=3&page=2');
    expect([...first.items, ...second.items].map((user) => user.organisation.id)).toEqual([5, 5, 5, 5, 5, 5]);
    expect(new Set([...first.items, ...second.items].map((user) => user.id)).size).toBe(6);
    const { body: found } = await page('search=KOWALSKI&pageSize=100');
    expect(found.total).toBeGreaterThan(100);
    expect(found.items.every((user) => user.name.endsWith('Kowalski'))).toBe(true);
    expect((await page('search=100%25')).body).toMatchObject({ items: [], total: 0 });
    expect((await page('page=99999')).body).toMatchObject({ items: [], total: expect.any(Number) });
    expect((await page('')).body.total).toBeGreaterThanOrEqual(10_000);
  });

  it('evicts every page when a user is created', async () => {
    const paths = ['/users?orgId=9&pageSize=2', '/users?pageSize=2'];
    const before = await Promise.all(paths.map((path) => app.get<UserPage>(path)));
    for (const path of paths) expect((await app.get(path)).cache).not.toBe('miss');
    await created({ orgId: 9 });
    for (const [n, path] of paths.entries()) {
      const after = await app.get<UserPage>(path);
      expect(after).toMatchObject({ cache: 'miss', body: { total: before[n]!.body.total + 1 } });
    }
  });

  it('evicts by one tag what shows the name of an organisation, and nothing else', async () => {
    const [of12, of13] = [await created({ orgId: 12 }), await created({ orgId: 13 })];
    const paths = [`/users/${of12.id}`, `/users/${of12.id}/summary`, '/users?orgId=12'];
    for (const path of [...paths, `/users/${of13.id}`]) await app.get(path);
    const name = `Renamed ${of12.id}`;
    expect((await app.put('/organisations/12', { name })).status).toBe(204);
    const [user, summary, page] = await Promise.all(paths.map((path) => app.get<User & UserPage>(path)));
    expect(user).toMatchObject({ cache: 'miss', body: { organisation: { id: 12, name } } });
    expect(summary).toMatchObject({ cache: 'miss', body: { organisation: { id: 12, name } } });
    expect(page!.body.items[0]!.organisation).toEqual({ id: 12, name });
    expect((await app.get(`/users/${of13.id}`)).cache).not.toBe('miss');
  });

  it('evicts by that tag also what an update has put', async () => {
    const { id } = await created({ orgId: 14 });
    await app.put(`/users/${id}`, aUserInput({ orgId: 15 }));
    expect((await app.get(`/users/${id}`)).cache).not.toBe('miss');
    await app.put('/organisations/15', { name: `Renamed ${id}` });
    const { cache, body } = await app.get(`/users/${id}`);
    expect({ cache, name: body.organisation.name }).toEqual({ cache: 'miss', name: `Renamed ${id}` });
  });

  it('refuses an update of a version that is not the newest, and leaves the cache right', async () => {
    const user = await created();
    await app.get(`/users/${user.id}`);
    expect((await app.put(`/users/${user.id}`, aUserInput({ name: 'First', version: 1 }))).status).toBe(200);
    const second = await app.put(`/users/${user.id}`, aUserInput({ name: 'Second', version: 1 }));
    expect(second).toMatchObject({ status: 409, body: { message: `user ${user.id} is not at version 1 any more` } });
    expect((await app.get(`/users/${user.id}`)).body).toMatchObject({ name: 'First', version: 2 });
  });

  it('answers what the database refuses with the reason', async () => {
    const user = await created();
    const taken = aUserInput({ email: user.email });
    expect(await app.post('/users', taken)).toMatchObject({
      status: 409,
      body: { message: expect.stringMatching(/taken/) },
    });
    expect(await app.put('/users/1', taken)).toMatchObject({ status: 409 });
    expect(await app.post('/users', aUserInput({ orgId: 2_000 }))).toMatchObject({ status: 400 });
    expect((await app.put('/users/2000000', aUserInput())).status).toBe(404);
    expect((await app.put('/organisations/2000', { name: 'None' })).status).toBe(404);
  });

  it('shows the counts of its cache', async () => {
    const { body } = await app.get<{ regions: Record<string, { misses: number }> }>('/cache');
    expect(Object.keys(body.regions)).toEqual(expect.arrayContaining(['pages', 'profile', 'summary']));
    expect(body.regions['profile']!.misses).toBeGreaterThan(0);
  });
}

function describeSeveralInstances(settings: () => Settings): void {
  let apps: UsersApp[];
  beforeAll(async () => {
    apps = await Promise.all([startUsersApp(settings()), startUsersApp(settings())]);
  }, 60_000);
  afterAll(closeUsersApps);

  it('shares what one instance has loaded with the other', async () => {
    const [a, b] = apps as [UsersApp, UsersApp];
    const { id } = (await a.post('/users', aUserInput())).body;
    expect((await a.get(`/users/${id}`)).cache).toBe('miss');
    expect((await b.get(`/users/${id}`)).cache).toBe('l2');
  });

  it('runs a slow query once for both instances', async () => {
    const missesOf = async (id: number) => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, n) => apps[n % 2]!.get<UserSummary>(`/users/${id}/summary`)),
      );
      return answers.filter(({ cache }) => cache === 'miss').length;
    };
    // an instance that gets no answer of Redis in time loads by itself, which a busy machine can bring about
    let misses = 0;
    for (let id = 23; id < 28 && misses !== 1; id += 1) misses = await missesOf(id);
    expect(misses).toBe(1);
  });

  it('shows the updates and deletions of one instance on the other', async () => {
    const [a, b] = apps as [UsersApp, UsersApp];
    const { id } = (await a.post('/users', aUserInput())).body;
    await eventually(async () => expect((await b.get(`/users/${id}`)).cache).toBe('l1'));
    await a.put(`/users/${id}`, aUserInput({ name: 'Seen Elsewhere' }));
    await eventually(async () => expect((await b.get(`/users/${id}`)).body.name).toBe('Seen Elsewhere'));
    await b.delete(`/users/${id}`);
    await eventually(async () => expect((await a.get(`/users/${id}`)).status).toBe(404));
  });

  it('keeps what is cached over a restart', async () => {
    const on = settings();
    const first = await startUsersApp(on);
    await first.put('/users/31', aUserInput({ name: 'Kept Over Restart' }));
    await first.close();

    const second = await startUsersApp(on);
    expect(await second.get('/users/31')).toMatchObject({ cache: 'l2', body: { name: 'Kept Over Restart' } });
    await second.close();
  });
}

function describeInput(settings: () => Settings): void {
  let app: UsersApp;
  beforeAll(async () => {
    app = await startUsersApp(settings());
  }, 60_000);
  afterAll(closeUsersApps);

  it.each<[string, (app: UsersApp) => Promise<Answer>, RegExp]>([
    ['an id that is no number', (app) => app.get('/users/abc'), /whole number/],
    ['an id beyond integer', (app) => app.get('/users/2147483648'), /2147483647/],
    ['page 0', (app) => app.get('/users?page=0'), /page/],
    ['a page that is given twice', (app) => app.get('/users?page=1&page=2'), /page: must be given once/],
    ['a page size above 100', (app) => app.get('/users?pageSize=101'), /pageSize/],
    ['an unknown filter', (app) => app.get('/users?organisation=1'), /organisation/],
    ['NUL in a search text', (app) => app.get('/users?search=%00'), /control characters/],
    ['a user without fields', (app) => app.post('/users', {}), /name.*email.*orgId/s],
    ['an unknown field', (app) => app.post('/users', { ...aUserInput(), isAdmin: true }), /isAdmin/],
    ['a blank name', (app) => app.post('/users', aUserInput({ name: '  ' })), /name: must not be empty/],
    ['an unknown role', (app) => app.put('/users/1', { ...aUserInput(), role: 'king' }), /role/],
    ['no body', (app) => app.put('/users/1', undefined), /Expected Object/],
  ])('refuses %s with 400 and says what is wrong', async (_, send, message) => {
    const { status, body, cache } = await send(app);
    expect({ status, cache }).toEqual({ status: 400, cache: null });
    expect(String((body as { message: string[] }).message)).toMatch(message);
  });
}

/** The last test on a database: it is new afterwards. */
function describeNewDatabase(settings: () => Settings): void {
  it('starts on an empty database: one instance fills it, and what Redis holds of another database is dropped', async () => {
    const on = settings();
    const before = await startUsersApp(on);
    await before.put('/users/32', aUserInput({ name: 'Of Another Database' }));
    await before.close();

    await on.database.execute('drop schema users_app cascade');
    const [first, second] = await Promise.all([startUsersApp(on), startUsersApp(on)]);
    const read = await first.get('/users/32');
    expect(read.cache).toBe('miss');
    expect(read.body).toMatchObject({ version: 1, name: expect.not.stringMatching('Of Another Database') });
    expect((await second.get<UserPage>('/users')).body.total).toBe(10_000);
    await Promise.all([first.close(), second.close()]);
  }, 60_000);
}

/** Tries again until `check` passes, for as long as L1 may lag behind; its last failure is the test's. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (const giveUpAt = Date.now() + L1_BOUND_MS; ; await sleep(5)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
    }
  }
}
