import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Codec } from '../../../lib/codecs/codec.js';
import type { RegionOptions } from '../../../lib/options/policy-options.js';
import { World } from '../../support/a-cache.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.end());

const plain: Codec = {
  id: 'plain',
  binary: false,
  encode: (value) => ({ payload: JSON.stringify(value), meta: '' }),
  decode: (payload) => ({ value: JSON.parse(String(payload)) as unknown, freezable: true }),
};

/** Two releases of one application: before and after a change of the region's options. */
const releases = async (...options: RegionOptions[]) => {
  const regions = [];
  for (const users of options)
    regions.push((await world.start({ l1: false, regions: { users } })).cache.region('users'));
  return regions as [(typeof regions)[number], (typeof regions)[number]];
};

it.each<[string, RegionOptions, RegionOptions]>([
  ['codec', {}, { codec: plain }],
  ['shape', {}, { shape: 2 }],
  ['shape, back again', { shape: 2 }, { shape: 1 }],
])('reaches the entries of both releases by an eviction of either, across a change of the %s', async (_, old, now) => {
  for (const writer of [0, 1] as const) {
    const both = await releases(old, now);
    for (const region of both) await region.getOrLoad(writer, async () => 'old');
    await both[writer].evict(writer);
    for (const region of both) expect(await region.getOrLoad(writer, async () => 'new')).toBe('new');
  }
});

it('takes an entry of another shape as a miss, with a count, and loads over it', async () => {
  const first = await world.start({ l1: false });
  const second = await world.start({ l1: false, regions: { users: { shape: 2 } } });
  const read = ({ cache }: typeof first, value: string) => cache.region('users').getOrLoad(1, async () => value);
  expect(await read(first, 'first')).toBe('first');
  expect(await read(second, 'second')).toBe('second');
  expect(second.cache.status().regions['users']!.decodeFailures).toBeGreaterThan(0);
  expect(await read(second, 'again')).toBe('second');
  expect(await read(first, 'third')).toBe('third');
});

it('keeps entries without a shape for shape 1, and names another in the header', async () => {
  const [one, two] = await releases({ shape: 1 }, { shape: 2 });
  await one.getOrLoad(1, async () => 'a');
  await two.getOrLoad(2, async () => 'b');
  expect(
    world.server
      .dump()
      .values.map(([, { entry }]) => entry.format)
      .sort(),
  ).toEqual(['json', 'json@2']);
});
