import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fork } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { CacheStatus } from '../../lib/index.js';
import { buildLibrary } from '../support/built-library.js';
import { InstanceProcess } from '../support/instance-process.js';
import { track } from '../support/servers/processes.js';
import { sharedRedis } from '../support/servers/redis.js';

const TTL_MS = 2_000;
const OPTIONS = { regions: { users: { ttl: TTL_MS, earlyRefresh: 10 } } };

describe('several processes on one Redis', () => {
  let library: ReturnType<typeof buildLibrary>;
  let redis: Awaited<ReturnType<typeof sharedRedis>>;
  let client: Redis;
  const instances: InstanceProcess[] = [];

  beforeAll(async () => {
    library = buildLibrary();
    redis = await sharedRedis();
    client = new Redis(redis.url);
    // beside the built library, so that both find the same packages
    const script = join(dirname(dirname(fileURLToPath(library.url))), 'instance.mjs');
    copyFileSync(join(import.meta.dirname, 'fixtures', 'instance.mjs'), script);
    for (let n = 0; n < 3; n++) {
      const child = fork(script, [library.url, redis.url, JSON.stringify(OPTIONS)], { execArgv: [] });
      instances.push(new InstanceProcess(track(child)));
    }
    await Promise.all(instances.map(({ ready }) => ready));
  }, 120_000);

  beforeEach(async () => {
    await instances[0]!.send('clearAll');
    await client.set('truth:loads', 0);
    await client.set('truth:value', 'old');
  });

  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.end()));
    client?.disconnect();
    await redis?.release();
    library?.remove();
  });

  const countsOf = async (instance: InstanceProcess) => (await instance.send<CacheStatus>('status')).regions['users']!;
  const read = (instance: InstanceProcess, key: string) =>
    instance.send<string[]>('read', { key, loadMs: 0 }).then(([value]) => value);

  it('refresh a busy key before it expires, once for all of them', async () => {
    await read(instances[0]!, 'busy');
    const startedAt = performance.now();
    // as early as may be: all of them decide once half of the ttl is over
    await Promise.all(instances.map((instance) => instance.send('readFor', { key: 'busy', ms: 5_000, loadMs: 100 })));
    const elapsedMs = performance.now() - startedAt;
    const loads = Number(await client.get('truth:loads'));
    const counts = await Promise.all(instances.map(countsOf));
    expect(counts.reduce((sum, { refreshes }) => sum + refreshes, 0)).toBeGreaterThan(1);
    // none begins before half of the ttl that the one before gave it
    expect(loads).toBeLessThanOrEqual(1 + elapsedMs / (TTL_MS / 2));
  }, 30_000);

  it('leave a key that nobody reads to expire', async () => {
    await read(instances[0]!, 'cold');
    await new Promise((resolve) => setTimeout(resolve, TTL_MS + 200));
    expect(await client.get('truth:loads')).toBe('1');
    expect(await client.exists('test:users:cold:json')).toBe(0);
  });

  it('go on without the one that is switched off, whose evictions reach them', async () => {
    const [off, other] = instances as [InstanceProcess, InstanceProcess];
    await read(off, 'k');
    await read(other, 'k');
    await off.send('disable');
    await client.set('truth:value', 'new');
    expect(await read(off, 'k')).toBe('new');
    expect(await read(other, 'k')).toBe('old');
    await off.send('evict', { key: 'k' });
    await untilNew(other);
    // what it would put it evicts
    await client.set('truth:value', 'newer');
    await off.send('write', { key: 'k', value: 'newer' });
    expect(await client.exists('test:users:k:json')).toBe(0);
    await off.send('enable');
    expect(await read(off, 'k')).toBe('newer');
    expect(await countsOf(off)).toMatchObject({ puts: 0 });

    async function untilNew(instance: InstanceProcess) {
      const startedAt = performance.now();
      // L1 of another instance: by a message as a rule, within D (1 s) in any case
      while ((await read(instance, 'k')) === 'old') expect(performance.now() - startedAt).toBeLessThan(1_000);
    }
  });
});
