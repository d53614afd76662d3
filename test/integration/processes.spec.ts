import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fork } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { buildLibrary } from '../support/built-library.js';
import { InstanceProcess } from '../support/instance-process.js';
import { sleep, track } from '../support/servers/processes.js';
import { sharedRedis } from '../support/servers/redis.js';

describe('several processes on one Redis', () => {
  let library: ReturnType<typeof buildLibrary>;
  let redis: Awaited<ReturnType<typeof sharedRedis>>;
  let client: Redis;
  let script: string;
  const instances: InstanceProcess[] = [];

  beforeAll(async () => {
    library = buildLibrary();
    // beside the built library, so that both find the same packages
    script = join(dirname(dirname(fileURLToPath(library.url))), 'instance.mjs');
    copyFileSync(join(import.meta.dirname, 'fixtures', 'instance.mjs'), script);
    redis = await sharedRedis();
    client = new Redis(redis.url);
    for (let n = 0; n < 4; n++) {
      const child = fork(script, [library.url, redis.url, '{}'], { execArgv: [] });
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

  it('runs one load for 4 x 250 callers of a cold key', async () => {
    const answers = await Promise.all(
      instances.map((instance) => instance.send<string[]>('read', { key: 'cold', loadMs: 100, callers: 250 })),
    );
    expect(answers.flat()).toEqual(Array.from({ length: 1_000 }, () => 'old'));
    expect(await client.get('truth:loads')).toBe('1');
  });

  // a load of 50 ms, an eviction and a change of the source at 25 ms, a read at 150 ms
  describe.each(['evict', 'evictTag', 'clear', 'clearAll'])('after %s', (eviction) => {
    it.each([
      ['the same process', 0, 0],
      ['another process', 0, 1],
      ['the process that evicted', 2, 2],
    ])('never serves the old value in %s', async (_name, loader, reader) => {
      const key = `${eviction}-${loader}-${reader}`;
      // warm L1 of another instance too, so that it must give the old value up as well
      await instances[3]!.send('read', { key, loadMs: 0 });
      await instances[3]!.send('read', { key, loadMs: 0 });
      await instances[2]!.send('evict', { key });
      const loading = instances[loader]!.send('read', { key, loadMs: 50 });
      await sleep(25);
      await client.set('truth:value', 'new');
      await instances[2]!.send(eviction, { key });
      const acknowledgedAt = performance.now();
      await loading;
      await sleep(75);
      const reads = await Promise.all(
        [reader, reader].map((n) => instances[n]!.send<string[]>('read', { key, loadMs: 0 })),
      );
      expect(reads.flat()).toEqual(['new', 'new']);
      // L1 of an instance that had the value: a message as a rule, D (1 s) in any case
      let seenAt: number;
      do seenAt = performance.now();
      while ((await instances[3]!.send<string[]>('read', { key, loadMs: 0 }))[0] === 'old');
      expect(seenAt - acknowledgedAt).toBeLessThan(1_000);
    });
  });
});
