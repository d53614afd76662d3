import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheEvict, RedisCacheModule } from '../../lib/index.js';
import { gate } from '../support/fake-clock.js';
import { waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

const rows = new Map<number, string>();
let committing = gate();

@Injectable()
class Users {
  @Cacheable({ region: 'users', key: (id: number) => id })
  async find(id: number) {
    return rows.get(id) ?? null;
  }

  @CacheEvict({ region: 'users', key: (id: number) => id })
  async rename(id: number, name: string) {
    await committing.promise;
    rows.set(id, name);
  }
}

let server: RedisServer;
const connections = () => Number(/connected_clients:(\d+)/.exec(redisCli(server.port, ['INFO', 'clients']))![1]) - 1;
const open: TestingModule[] = [];

async function boot(): Promise<TestingModule> {
  const app = await Test.createTestingModule({
    imports: [RedisCacheModule.forRoot({ service: 'user', redis: { url: server.url } })],
    providers: [Users],
  })
    .setLogger(false as never)
    .compile();
  open.push(app);
  return app;
}

beforeAll(async () => {
  server = await startRedis();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close().catch(() => {})));
});
afterAll(() => server.remove());

describe('an application that closes', () => {
  it('evicts what a method under way goes on to write', async () => {
    const [a, b] = [await boot(), await boot()];
    await Promise.all([a.init(), b.init()]);
    rows.set(1, 'Ada');
    expect(await b.get(Users).find(1)).toBe('Ada');
    committing = gate();
    const renaming = a.get(Users).rename(1, 'Grace');
    const closing = a.close();
    committing.open();
    await Promise.all([renaming, closing]);
    await waitUntil(async () => (await b.get(Users).find(1)) === 'Grace', { what: 'the eviction' });
  });

  it('is told that an eviction after its end is not sent', async () => {
    const app = await boot();
    await app.init();
    await app.close();
    committing.open();
    await expect(app.get(Users).rename(1, 'Alan')).rejects.toMatchObject({ code: 'RC_CLOSED' });
    expect(await app.get(Users).find(1)).toBe('Alan');
  });

  it.each([
    ['unused', async () => {}],
    ['after a call of a decorated method', (app: TestingModule) => app.get(Users).find(1)],
  ])('ends, and leaves no connection, when it was never initialised: %s', async (_case, use) => {
    const app = await boot();
    await use(app);
    await app.close();
    await waitUntil(() => connections() === 0, { what: 'no connection' });
  });

  it('leaves no connection when it closes while Redis hangs at its boot', async () => {
    await waitUntil(() => connections() === 0, { what: 'the end of the others' });
    server.freeze();
    const app = await boot();
    const starting = app.init().catch(() => {});
    try {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await app.close();
    } finally {
      server.thaw();
    }
    await starting;
    await waitUntil(() => connections() === 0, { what: 'no connection' });
    // nothing opens one later
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(connections()).toBe(0);
  }, 20_000);
});
