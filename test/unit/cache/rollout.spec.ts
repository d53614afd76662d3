import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Instance, World } from '../../support/a-cache.js';
import { shareOf } from '../../../lib/keys/key-share.js';

describe('shareOf', () => {
  it('spreads keys evenly, also such as differ at the end alone', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let id = 0; id < 100_000; id++) tenths[Math.floor(shareOf(`user:profile:${id}:json`) * 10)]! += 1;
    for (const count of tenths) expect(count / 10_000).toBeCloseTo(1, 1);
  });

  it('is the same for ever: a deploy must not move keys', () => {
    expect([shareOf(''), shareOf('user:profile:42:json')].map((share) => share.toFixed(6))).toMatchInlineSnapshot(`
     [
       "0.668922",
       "0.626873",
     ]
    `);
  });
});

describe('rollout', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  const KEYS = Array.from({ length: 200 }, (_, key) => key);
  const start = (rollout: number) => world.start({ regions: { users: { rollout } } });
  const users = ({ cache }: Instance) => cache.region<number>('users');
  const fill = (instance: Instance, value: number) =>
    Promise.all(KEYS.map((key) => users(instance).getOrLoad(key, async () => value)));
  const used = async (instance: Instance) => {
    const held = await Promise.all(KEYS.map((key) => users(instance).get(key)));
    return KEYS.filter((key) => held[key] !== undefined);
  };

  it('uses the cache for a share of the keys, the same in every instance, and more of them with a greater share', async () => {
    const [a, b, c] = [await start(0.2), await start(0.2), await start(0.5)];
    await fill(a, 1);
    const ofA = await used(a);
    expect(ofA.length / KEYS.length).toBeCloseTo(0.2, 1);
    expect(await used(b)).toEqual(ofA);
    await fill(c, 1);
    const ofC = await used(c);
    expect(ofC.length / KEYS.length).toBeCloseTo(0.5, 1);
    expect(ofC).toEqual(expect.arrayContaining(ofA));
    const { bypasses, fills } = a.cache.status().regions['users']!;
    expect(fills).toBe(ofA.length);
    // once read, once looked for
    expect(bypasses).toBe(2 * (KEYS.length - ofA.length));
  });

  it('of 0 uses none, and of 1 all', async () => {
    const [none, all] = [await start(0), await start(1)];
    await fill(none, 1);
    await fill(all, 1);
    expect(await used(none)).toEqual([]);
    expect(await used(all)).toEqual(KEYS);
  });

  it('lets evictions act on all keys, and evicts where it does not put', async () => {
    const [some, all] = [await start(0), await start(1)];
    await fill(all, 1);
    await users(some).evict(1);
    await users(some).write(2, async () => 2);
    await users(some).put(3, 2, { version: 2 });
    expect([await users(all).get(1), await users(all).get(2), await users(all).get(3)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await users(all).get(4)).toBe(1);
  });

  it('says so in reports', async () => {
    const none = await start(0);
    const reports: object[] = [];
    await users(none).getOrLoad(1, async () => 1, { report: (told) => void reports.push(told) });
    expect(reports).toMatchObject([{ source: 'load', bypass: 'not-rolled-out', isStored: false }]);
  });
});
