import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CODECS, type Instance, World } from '../../support/a-cache.js';
import { gate } from '../../support/fake-clock.js';

interface User {
  readonly id: number;
  readonly name: string;
  readonly at: Date;
}

const users = (count: number, name = 'Ada') =>
  Array.from({ length: count }, (_, id): User => ({ id, name: `${name} ${id}`, at: new Date(1.7e12 + id * 1_000) }));

/** 80 to 250 KB, and more than a megabyte. */
const LARGE = users(4_000);
const HUGE = users(15_000);

/** `toEqual` takes seconds for so many rows. */
const same = (got: unknown, wanted: unknown) => expect(isDeepStrictEqual(got, wanted)).toBe(true);

const never = async (): Promise<never> => {
  throw new Error('it was not cached');
};

describe.each(CODECS)('compressed values, %s', (codec) => {
  let world: World;
  beforeEach(() => {
    world = new World(1, { codec, maxValueBytes: 4 * 1024 ** 2 });
  });
  afterEach(() => world.end());

  const lists = ({ cache }: Instance) => cache.region<readonly User[]>('users');
  const countsOf = ({ cache }: Instance) => cache.status().regions['users'];

  it.each([
    ['large', LARGE],
    ['of several turns', HUGE],
  ])('come back, %s: on the miss, from Redis and from L1', async (_, value) => {
    const [one, other] = [await world.start(), await world.start()];
    const first = await lists(one).getOrLoad(1, async () => value);
    same(first, value);
    same(await lists(one).getOrLoad(1, never), value);
    for (let n = 0; n < 3; n++) same(await lists(other).getOrLoad(1, never), value);
    expect(countsOf(one)).toMatchObject({ fills: 1, hitsL1: 1 });
    expect(countsOf(other)).toMatchObject({ hitsL2: 1, hitsL1: 2, decodeFailures: 0, loads: 0 });
  });

  it.each(['plain', 'function'] as const)(
    'are read by an instance that compresses nothing, reads: %s',
    async (reads) => {
      const one = await world.start();
      const other = await world.start({ compressFrom: false, l1: false, reads });
      await lists(one).getOrLoad(1, async () => LARGE);
      same(await lists(other).get(1), LARGE);
      for (let n = 0; n < 3; n++) same(await lists(other).getOrLoad(1, never), LARGE);
      expect(countsOf(other)).toMatchObject({ hitsL2: 4, decodeFailures: 0, loads: 0 });
    },
  );

  it('are asked for as bytes once one was met, and others are read as ever', async () => {
    const one = await world.start();
    const other = await world.start({ compressFrom: false, l1: false });
    await lists(one).getOrLoad(1, async () => LARGE);
    await lists(one).getOrLoad(2, async () => users(2));
    await lists(other).getOrLoad(1, never);
    const asked = other.faults.calls['readOrLease'] ?? 0;
    for (let n = 0; n < 3; n++) {
      same(await lists(other).getOrLoad(1, never), LARGE);
      expect(await lists(other).getOrLoad(2, never)).toEqual(users(2));
    }
    expect(other.faults.calls['readOrLease'] ?? 0).toBe(asked);
  });

  it('are one hit for all who ask at once, and each gets what is its own', async () => {
    const [one, other] = [await world.start(), await world.start()];
    await lists(one).getOrLoad(1, async () => LARGE);
    const all = await Promise.all(Array.from({ length: 5 }, () => lists(other).getOrLoad(1, never)));
    for (const value of all) same(value, LARGE);
    expect(new Set(all).size).toBe(5); // Dates are shared with nobody
    expect(other.faults.calls['read']).toBeLessThanOrEqual(2);
    expect(countsOf(other)).toMatchObject({ hitsL2: 5 });
  });

  it('are served stale, also by an instance that read them as text', async () => {
    const one = await world.start({ staleIfError: '1h' });
    const other = await world.start({ staleIfError: '1h', compressFrom: false, l1: false });
    await lists(one).getOrLoad(1, async () => LARGE, { ttl: '10s' });
    await world.clock.advance(11_000);
    for (let n = 0; n < 3; n++) same(await lists(other).getOrLoad(1, never), LARGE);
    await world.clock.advance(5_000);
    same(await lists(other).getOrLoad(1, never), LARGE);
    expect(countsOf(other)).toMatchObject({ stale: 4, decodeFailures: 0 });
  });

  it('are put', async () => {
    const [one, other] = [await world.start(), await world.start({ l1: false })];
    await lists(one).write(1, async () => LARGE);
    same(await lists(other).getOrLoad(1, never), LARGE);
    await lists(one).write(2, async () => HUGE);
    same(await lists(other).getOrLoad(2, never), HUGE);
    expect(countsOf(one)).toMatchObject({ puts: 2 });
  });

  it('are refused by their size before they are compressed', async () => {
    const one = await world.start({ maxValueBytes: 50_000 });
    same(await lists(one).getOrLoad(1, async () => LARGE), LARGE);
    expect(await lists(one).get(1)).toBeUndefined();
    expect(countsOf(one)).toMatchObject({ tooLarge: 1, fills: 0 });
  });

  it('are a miss where they are larger than maxValueBytes of the reader', async () => {
    const [one, other] = [await world.start(), await world.start({ maxValueBytes: 50_000 })];
    await lists(one).getOrLoad(1, async () => LARGE);
    expect(await lists(other).get(1)).toBeUndefined();
    expect(await lists(other).getOrLoad(1, async () => users(1))).toEqual(users(1));
    expect(countsOf(other)).toMatchObject({ loads: 1, fills: 1 });
    expect(countsOf(other)!.decodeFailures).toBeGreaterThan(1);
    expect(other.log).toEqual([expect.stringContaining('it is compressed, and damaged or larger than maxValueBytes')]);
  });

  it('are not kept when an eviction comes while they are compressed', async () => {
    const [one, other] = [await world.start(), await world.start()];
    const loading = gate<readonly User[]>();
    const reading = lists(one).getOrLoad(1, () => loading.promise);
    await world.clock.advance(0);
    loading.open(HUGE);
    await Promise.resolve();
    await lists(other).evict(1);
    same(await reading, HUGE);
    expect(countsOf(one)).toMatchObject({ fills: 0, fillsRefused: 1 });
    for (const instance of [one, other]) expect(await lists(instance).get(1)).toBeUndefined();
  });

  it('do not enter L1 when an eviction comes while they are decompressed', async () => {
    const [one, other] = [await world.start(), await world.start()];
    await lists(one).getOrLoad(1, async () => HUGE);
    const held = other.faults.holdNextReply('read');
    const reading = lists(other).getOrLoad(1, never);
    await world.clock.advance(0);
    held.open();
    await lists(one).evict(1);
    same(await reading, HUGE);
    expect(await lists(other).get(1)).toBeUndefined();
  });

  it('cost the options of the result one call, of the value as it was loaded', async () => {
    const one = await world.start();
    const seen: number[] = [];
    const value = users(15_000);
    const reading = lists(one).getOrLoad(1, async () => value, {
      tags: (list) => {
        seen.push(list.length);
        return [`first:${list[0]!.id}`];
      },
    });
    await world.clock.advance(0);
    value.length = 1;
    expect(await reading).toHaveLength(15_000);
    expect(seen).toEqual([15_000]);
    await one.cache.evictTags(['first:0']);
    expect(await lists(one).get(1)).toBeUndefined();
  });

  it.each([
    ['large', LARGE],
    ['of several turns', HUGE],
  ])('are told once when an option of theirs fails, %s', async (_, value) => {
    const one = await world.start();
    const tags = () => [42] as never;
    same(await lists(one).getOrLoad(1, async () => value, { tags }), value);
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
    } as const;
    expect(await lists(one).getOrLoad(1, async () => value, { tags, schema })).toBe(value);
    expect(countsOf(one)).toMatchObject({ fills: 0, encodeFailures: 2 });
    expect(one.log).toEqual([expect.stringContaining('RC_INVALID_TAG'), expect.stringContaining('RC_DECODE_FAILED')]);
  });
});
