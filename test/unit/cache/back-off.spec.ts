import { HttpException, NotFoundException } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BackOff } from '../../../lib/cache/back-off.js';
import type { RegionOptions } from '../../../lib/index.js';
import { type Instance, World } from '../../support/a-cache.js';
import { FakeClock } from '../../support/fake-clock.js';

describe('BackOff', () => {
  it('doubles its pauses up to half a minute, and begins anew after a success', async () => {
    const clock = new FakeClock();
    const backOff = new BackOff(clock);
    const lengths: number[] = [];
    for (let n = 0; n < 7; n++) {
      backOff.failed('k', 1_000);
      let ms = 0;
      while (backOff.isOn('k')) {
        clock.jump(1_000);
        ms += 1_000;
      }
      lengths.push(ms);
    }
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    backOff.succeeded('k');
    backOff.failed('k', 1_000);
    clock.jump(1_000);
    expect(backOff.isOn('k')).toBe(false);
  });

  it('makes a first pause no shorter than it was asked for', () => {
    const clock = new FakeClock();
    const backOff = new BackOff(clock);
    for (let n = 0; n < 2; n++) backOff.failed('k', 60_000);
    clock.jump(59_999);
    expect(backOff.isOn('k')).toBe(true);
  });

  it('remembers a bounded number of keys', () => {
    const backOff = new BackOff(new FakeClock());
    for (let n = 0; n < 10_100; n++) backOff.failed(`k${n}`, 1_000);
    expect(backOff.size).toBe(10_000);
    expect([backOff.isOn('k0'), backOff.isOn('k10099')]).toEqual([false, true]);
  });
});

describe('a source that is out of order', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  const start = (options: RegionOptions) => world.start({ regions: { users: options } });
  const users = ({ cache }: Instance) => cache.region<number>('users');
  const counts = ({ cache }: Instance) => cache.status().regions['users'];
  const failing = (error: unknown) => () => Promise.reject<number>(error as Error);
  const expired = async (instance: Instance, value: number) => {
    await users(instance).getOrLoad(1, async () => value);
    await world.clock.advance(1_500);
  };

  it.each(['plain', 'function'] as const)(
    'is not hammered: stale values are served without a try (%s reads)',
    async (reads) => {
      const a = await world.start({ reads, regions: { users: { ttl: '1s', staleIfError: '1h' } } });
      await expired(a, 1);
      for (let n = 0; n < 5; n++) expect(await users(a).getOrLoad(1, failing(new Error('down')))).toBe(1);
      expect(counts(a)).toMatchObject({ loads: 2, loadFailures: 1, stale: 5 });
      await world.clock.advance(1_000);
      expect(await users(a).getOrLoad(1, async () => 2)).toBe(2);
    },
  );

  it('is not hammered by refreshes of staleWhileRevalidate', async () => {
    const a = await start({ ttl: '1s', staleWhileRevalidate: '1h' });
    await expired(a, 1);
    for (let n = 0; n < 5; n++) {
      expect(await users(a).getOrLoad(1, failing(new Error('down')))).toBe(1);
      await a.engine.settled();
    }
    expect(counts(a)).toMatchObject({ loads: 2, refreshes: 1, loadFailures: 1, stale: 5 });
  });

  it('is tried at once where no stale value stands in for it, and after an eviction', async () => {
    const [a, b] = [await start({ ttl: '1s', staleIfError: '1h' }), await start({})];
    await expect(users(a).getOrLoad(1, failing(new Error('down')))).rejects.toThrow('down');
    expect(await users(a).getOrLoad(1, async () => 1)).toBe(1);
    await world.clock.advance(1_500);
    await users(a).getOrLoad(1, failing(new Error('down')));
    await users(b).evict(1);
    expect(await users(a).getOrLoad(1, async () => 2)).toBe(2);
  });

  it('is tried at each call with errorBackOff: 0', async () => {
    const a = await start({ ttl: '1s', staleIfError: '1h', errorBackOff: 0 });
    await expired(a, 1);
    for (let n = 0; n < 3; n++) await users(a).getOrLoad(1, failing(new Error('down')));
    expect(counts(a)).toMatchObject({ loads: 4, loadFailures: 3, stale: 3 });
  });

  it('is tried whatever the pause by a forced read', async () => {
    const a = await start({ ttl: '1s', staleIfError: '1h' });
    await expired(a, 1);
    await users(a).getOrLoad(1, failing(new Error('down')));
    expect(await users(a).getOrLoad(1, async () => 2, { forceFresh: true })).toBe(2);
    expect(await users(a).getOrLoad(1, async () => 3)).toBe(2);
  });

  it('never makes get() answer a stale value', async () => {
    const a = await start({ ttl: '1s', staleIfError: '1h' });
    await expired(a, 1);
    await users(a).getOrLoad(1, failing(new Error('down')));
    expect(await users(a).get(1)).toBeUndefined();
  });

  it('ends beyond the stale window', async () => {
    const a = await start({ ttl: '1s', staleIfError: '2s', errorBackOff: '1m' });
    await expired(a, 1);
    expect(await users(a).getOrLoad(1, failing(new Error('down')))).toBe(1);
    await world.clock.advance(2_000);
    expect(await users(a).getOrLoad(1, async () => 2)).toBe(2);
  });

  it.each([
    ['a NotFoundException', new NotFoundException()],
    ['an error with status 404', Object.assign(new Error('gone'), { status: 404 })],
    ['an error with statusCode 410', Object.assign(new Error('gone'), { statusCode: 410 })],
  ])('is not what %s says: it is the answer', async (_name, error) => {
    const a = await start({ ttl: '1s', staleIfError: '1h' });
    await expired(a, 1);
    await expect(users(a).getOrLoad(1, failing(error))).rejects.toBe(error);
    expect(await users(a).getOrLoad(1, async () => 2)).toBe(2);
  });

  it.each([
    ['an HttpException of 503', new HttpException('busy', 503)],
    ['any other error', new Error('ECONNREFUSED')],
    ['what is no error', 'down'],
    [
      'what cannot be looked at',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no');
          },
        },
      ),
    ],
  ])('is what %s says', async (_name, error) => {
    const a = await start({ ttl: '1s', staleIfError: '1h' });
    await expired(a, 1);
    expect(await users(a).getOrLoad(1, failing(error))).toBe(1);
  });

  describe('by staleIf', () => {
    it('is what the application says it is', async () => {
      class SourceDown extends Error {}
      const a = await start({ ttl: '1s', staleIfError: '1h', staleIf: (error) => error instanceof SourceDown });
      await expired(a, 1);
      await expect(users(a).getOrLoad(1, failing(new Error('a bug')))).rejects.toThrow('a bug');
      expect(await users(a).getOrLoad(1, failing(new SourceDown()))).toBe(1);
    });

    it('tells the error where the function fails, and warns once', async () => {
      const a = await start({
        ttl: '1s',
        staleIfError: '1h',
        staleIf: () => {
          throw new Error('oh');
        },
      });
      await expired(a, 1);
      for (let n = 0; n < 2; n++)
        await expect(users(a).getOrLoad(1, failing(new Error('down')))).rejects.toThrow('down');
      expect(a.log.filter((line) => line.includes("'staleIf'"))).toEqual([
        expect.stringContaining('RC_OPTION_FUNCTION'),
      ]);
    });
  });

  it('does not count a caller who gave up as an outage', async () => {
    const a = await start({ ttl: '1s', staleIfError: '1h' });
    await expired(a, 1);
    const abort = new AbortController();
    const aborted = Object.assign(new Error('gave up'), { name: 'AbortError' });
    abort.abort(aborted);
    const region = a.engine.region('users');
    const { resolveReadPolicy } = await import('../../../lib/cache/read-policy.js');
    const policy = resolveReadPolicy(region.options, {}, 'Users.find');
    await expect(region.read(region.keyOf('1'), policy, [abort.signal], failing(aborted))).rejects.toBe(aborted);
    expect(await users(a).getOrLoad(1, async () => 2)).toBe(2);
  });
});
