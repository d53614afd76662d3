import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { resolveReadPolicy } from '../../../lib/cache/read-policy.js';
import { World } from '../../support/a-cache.js';
import { gate } from '../../support/fake-clock.js';

const thrower = (thrown: unknown) => () => {
  throw thrown;
};
const bare = Object.create(null) as object;

describe('an instance of a class', () => {
  class User {
    name = 'Ada';
  }
  class Row {
    id = 1;
  }

  it('is returned as it is and not cached, with a line that says how to cache it', async () => {
    const world = new World();
    const { cache, log } = await world.start();
    const users = cache.region<User>('users');
    const user = new User();
    for (const key of [1, 2]) expect(await users.getOrLoad(key, async () => user)).toBe(user);
    expect(await users.get(1)).toBeUndefined();
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^region "users": a result is returned and not cached\. It is an instance of User/);
    expect(log[0]).toMatch(/type: User, .*type: 'plain' accepts the loss\. \[RC_CLASS_LOST\]$/);
    expect(cache.status().regions['users']).toMatchObject({ fills: 0, encodeFailures: 2 });
    await world.end();
  });

  it('is told in production, too', async () => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    const world = new World();
    const { cache, log } = await world.start();
    await cache.region('users').getOrLoad(1, async () => new User());
    process.env['NODE_ENV'] = before;
    expect(log).toHaveLength(1);
    await world.end();
  });

  it('is told once for each method of a region', async () => {
    const world = new World();
    const { engine, log } = await world.start();
    const region = engine.region('users');
    const key = region.keyOf('1');
    const policyOf = (where: string) => resolveReadPolicy(region.options, {}, where);
    for (const [where, value] of [
      ['Users.rows', new Row()],
      ['Users.one', new User()],
      ['Users.one', new User()],
      ['Users.raw', { f() {} }],
      ['Users.big', 'x'.repeat(2e6)],
      ['Users.bigger', 'x'.repeat(3e6)],
    ] as const) {
      await region.read(key, policyOf(where), [], async () => value);
    }
    expect(log.map((line) => line.slice(0, line.indexOf(':')))).toEqual([
      'Users.rows',
      'Users.one',
      'Users.raw',
      'Users.big',
      'Users.bigger',
    ]);
    await world.end();
  });

  it('leaves the key absent after a write', async () => {
    const world = new World();
    const { cache } = await world.start();
    const users = cache.region<unknown>('users');
    await users.getOrLoad(1, async () => 'old');
    await users.write(1, async () => new User());
    expect(await users.get(1)).toBeUndefined();
    await world.end();
  });
});

describe('a result that cannot be cached', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  it.each([
    ['ttl', { ttl: thrower(new TypeError('no')) }],
    ['tags', { tags: thrower('no') }],
    ['version', { version: thrower(bare) }],
    ['unless', { unless: thrower(undefined) }],
  ])('names the function %s when it threw, whatever it threw', async (name, options) => {
    const { cache, log } = await world.start();
    expect(await cache.region('users').getOrLoad(1, async () => 1, options)).toBe(1);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(
      new RegExp(`region "users": .* not cached\\..* '${name}' threw .*\\[RC_OPTION_FUNCTION\\]$`),
    );
  });

  it.each(['ttl', 'tags', 'version', 'unless'])(
    'takes a promise of %s as a failure, also one that rejects',
    async (name) => {
      const { cache, log } = await world.start();
      const options = { [name]: () => Promise.reject(new Error('nobody listens')) };
      expect(await cache.region('users').getOrLoad(1, async () => 1, options)).toBe(1);
      expect(log).toHaveLength(1);
      expect(log[0]).toMatch(new RegExp(`'${name}' returned a promise.*\\[RC_OPTION_FUNCTION\\]$`));
      expect(cache.status().regions['users']).toMatchObject({ fills: 0, encodeFailures: 1 });
    },
  );

  it('is what a hit would be, also when an option function fails: of the same shape, frozen, a copy', async () => {
    class User {
      roles = ['user'];
    }
    const { cache } = await world.start();
    const users = cache.region<{ roles: string[] }>('users');
    const own = new User();
    const loaded = gate<User>();
    const options = { tags: thrower(new Error('no')), type: 'plain' as const };
    const both = Promise.all([1, 2].map(() => users.getOrLoad(1, () => loaded.promise, options)));
    loaded.open(own);
    for (const got of await both) {
      expect(got).not.toBe(own);
      expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
      expect(Object.isFrozen(got.roles)).toBe(true);
    }
    const dates = cache.region<{ at: Date }>('dates');
    const [a, b] = await Promise.all([1, 2].map(() => dates.getOrLoad(1, async () => ({ at: new Date(5) }), options)));
    expect(a!.at).toEqual(b!.at);
    expect(a!.at).not.toBe(b!.at);
  });

  it('leaves the key absent after a versioned write', async () => {
    for (const [name, options] of Object.entries({
      unless: { unless: thrower(bare) },
      version: { version: thrower(new Error('no')) },
      type: { version: () => 2, type: thrower(bare) },
      schema: { version: () => 2, schema: v.number() },
    })) {
      const { cache } = await world.start();
      const users = cache.region<string>(`by-${name}`);
      await users.getOrLoad(1, async () => 'old');
      expect(await users.write(1, async () => 'new', { version: () => 2, ...options })).toBe('new');
      expect(await users.get(1)).toBeUndefined();
    }
  });

  it('is warned of once per region and code', async () => {
    const { cache, log } = await world.start();
    const users = cache.region('users');
    for (const options of [
      { unless: thrower(new Error('no')) },
      { version: () => -1 },
      { tags: () => [''] },
      { schema: v.number() },
    ]) {
      await users.getOrLoad(1, async () => 'a', options);
      await users.getOrLoad(1, async () => 'a', options);
    }
    await cache.region('others').getOrLoad(1, async () => 'a', { version: () => -1 });
    const codes = log.map((line) => /\[(RC_\w+)\]$/.exec(line)?.[1]);
    expect(codes).toEqual([
      'RC_OPTION_FUNCTION',
      'RC_INVALID_VERSION',
      'RC_INVALID_TAG',
      'RC_DECODE_FAILED',
      'RC_INVALID_VERSION',
    ]);
    expect(cache.status().regions['users']!.encodeFailures).toBe(8);
  });

  it('has tags that no header has room for', async () => {
    const { cache, log } = await world.start();
    const users = cache.region<number>('users');
    const tags = (count: number) =>
      Array.from({ length: count }, (_, n) => `organisation:${String(n).padStart(10, '0')}`);
    await users.getOrLoad(1, async () => 1, { tags: tags(3_000) });
    expect(await users.get(1)).toBeUndefined();
    await users.getOrLoad(2, async () => 1, { tags: tags(2_700) });
    expect(await users.get(2)).toBe(1);
    expect(cache.status().regions['users']).toMatchObject({ tooLarge: 1, fills: 1 });
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/3000 tags .* take 72004 bytes.*\[RC_VALUE_TOO_LARGE\]$/);
  });

  it('is said to be a result that does not fit, not an entry', async () => {
    const { cache, log } = await world.start();
    await cache.region('users').getOrLoad(1, async () => ({ a: 1 }), { schema: v.object({ name: v.string() }) });
    expect(log[0]).toContain('A result does not come back from the cache');
    expect(log[0]).toContain('does not fit the schema at name. Make type and schema fit');
    expect(log[0]).not.toMatch(/entry|anew/);
  });
});
