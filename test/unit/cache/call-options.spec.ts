import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CacheRegion } from '../../../lib/cache/cache-region.js';
import { World } from '../../support/a-cache.js';

const load = async () => 1;

describe('a call by hand', () => {
  let world: World;
  let users: CacheRegion<number>;
  beforeEach(async () => {
    world = new World();
    users = (await world.start()).cache.region<number>('users');
  });
  afterEach(() => world.end());

  it.each<[string, unknown, string]>([
    ['an unknown option', { tll: '1h' }, `tll is not an option, got "1h". Did you mean "ttl"?`],
    ['a jitter over 1', { jitter: 5 }, 'jitter must be a number from 0 to 1, got 5.'],
    ['a jitter that is NaN', { ttl: '50ms', jitter: Number(undefined) }, 'jitter must be a number'],
    ['a ttl of 0', { ttl: 0 }, 'ttl must be longer than 0'],
    ['an infinite ttl', { ttl: Infinity }, 'ttl must be a duration such as'],
    ['a schema that is none', { schema: {} }, 'schema must be a Standard Schema'],
    ['a type that is none', { type: 5 }, 'type must be a class of yours, [User]'],
    ['a built-in type', { type: Date }, 'type must be a class of yours, [User]'],
    ['a tag without a list', { tags: 'a' }, 'tags must be an array of strings'],
    ['an unless that is no function', { unless: true }, 'unless must be a function, got true.'],
    ['null', null, 'must be an object, got null.'],
    ['a text', '5m', 'must be an object, got "5m".'],
  ])('refuses %s before anything runs', async (_, options, what) => {
    let calls = 0;
    const count = async () => ++calls;
    const expected = { code: 'RC_INVALID_OPTION', message: expect.stringContaining(what) };
    const given = options as object;
    await expect(users.getOrLoad(1, count, given)).rejects.toMatchObject(expected);
    await expect(users.getOrLoad(1, count, given)).rejects.toMatchObject(expected);
    await expect(users.write(1, count, given)).rejects.toMatchObject(expected);
    expect(calls).toBe(0);
    if (typeof options === 'object' && options !== null) {
      await expect(users.put(1, 1, { version: 1, ...options })).rejects.toMatchObject(expected);
    }
  });

  it('refuses what only the other call takes, also where that took it before', async () => {
    const options = { forceFresh: true };
    expect(await users.getOrLoad(1, load, options)).toBe(1);
    for (const one of [options, { ...options }]) {
      await expect(users.write(1, load, one as object)).rejects.toMatchObject({ code: 'RC_INVALID_OPTION' });
    }
  });

  it('names the region', async () => {
    await expect(users.getOrLoad(1, load, { tll: 1 } as object)).rejects.toThrow(
      'A call in region "users": tll is not',
    );
    await expect(users.getOrLoad(1, load, 5 as never)).rejects.toThrow('The options of a call in region "users" must');
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 5],
    ['an unknown option', { versoin: 5 }],
  ])('refuses %s as the options of evict', async (_, options) => {
    await expect(users.evict(1, options as object)).rejects.toMatchObject({ code: 'RC_INVALID_OPTION' });
  });

  it.each([undefined, null, 5, Promise.resolve(1)])('refuses %p in place of a function', async (loader) => {
    for (const call of [users.getOrLoad(1, loader as never), users.write(1, loader as never)]) {
      await expect(call).rejects.toMatchObject({ code: 'RC_INVALID_OPTION' });
      await expect(call).rejects.toThrow(/(getOrLoad|write)\(.*\) in region "users" takes a function/);
    }
  });

  it('reads an object of options anew for each call', async () => {
    const options = { version: 1 };
    world.clock.jump(601_000);
    await world.clock.advance(300);
    await users.put(1, 1, options);
    options.version = 2;
    await users.put(1, 2, options);
    expect(await users.get(1)).toBe(2);
  });

  it('takes a fixed version and fixed tags', async () => {
    await users.write(1, load, { version: 5, tags: ['a'] });
    expect(await users.get(1)).toBe(1);
  });
});
