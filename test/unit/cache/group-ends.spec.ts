import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Instance, World } from '../../support/a-cache.js';
import { settle } from '../../support/fake-clock.js';

describe('the ends of fences and holds', () => {
  let world: World;
  let row: string;
  beforeEach(() => {
    world = new World(2);
    row = 'old';
  });
  afterEach(() => world.end());
  const NO_L1 = { l1: false } as const;
  const inside = ({ engine }: Instance, name: string) => engine.region(name);
  const key = (instance: Instance, name: string, bucket: number) => {
    for (let n = 0; ; n++) if (inside(instance, name).keyOf(String(n)).bucket === bucket) return String(n);
  };
  let loads = 0;
  const readInner = (a: Instance) =>
    a.cache.region<string>('inner').getOrLoad(key(a, 'inner', 1), async () => (loads++, row));
  const readOuter = (a: Instance) =>
    a.cache.region<string>('outer').getOrLoad(key(a, 'outer', 0), () => (loads++, readInner(a)));
  const keyOf = (a: Instance, name: string, bucket: number) => inside(a, name).keyOf(key(a, name, bucket));

  it('a lost fence whose end is not answered', async () => {
    const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
    await readOuter(b);
    const before = world.server.dump();
    const strict = [
      ...inside(a, 'outer').fencedKeys([keyOf(a, 'outer', 0)]),
      ...inside(a, 'inner').fencedKeys([keyOf(a, 'inner', 1)]),
    ];
    await inside(a, 'outer').writer.writeAll({ strict, puts: [], evictsNothing: true, after: () => [] }, async () => {
      world.server.bucket(1).restore(before.buckets[1]!);
      await readInner(b);
      row = 'new';
      a.faults.holdNext('unfence').open();
      a.faults.failNext('unfence');
    });
    expect(await readOuter(b)).toBe('old');
    await world.clock.advance(1_000);
    await settle();
    expect(a.cache.status().pendingEvictions).toBe(0);
    expect(await readInner(b)).toBe('new');
    expect(await readOuter(b)).toBe('new');
  });

  it.each(['keys', 'clear'])('a hold whose answer was lost does not stand for its whole time: %s', async (what) => {
    const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
    await readOuter(b);
    a.faults.loseNextReply(what === 'keys' ? 'fence' : 'stamp');
    if (what === 'keys')
      await inside(a, 'outer').writer.evictAll([
        ...inside(a, 'inner').wantedKeys([keyOf(a, 'inner', 1)]),
        ...inside(a, 'outer').wantedKeys([keyOf(a, 'outer', 0)]),
      ]);
    else await a.cache.clear();
    await settle();
    await world.clock.advance(1_000);
    await settle();
    expect(a.cache.status().pendingEvictions).toBe(0);
    loads = 0;
    for (let n = 0; n < 5; n++) {
      await readInner(b);
      await readOuter(b);
    }
    await world.clock.advance(5_000);
    for (let n = 0; n < 5; n++) {
      await readInner(b);
      await readOuter(b);
    }
    expect(loads).toBe(2);
  });

  it.each(['at once', 'in the second round'])(
    'a hold that could not be released %s is released when Redis answers a poll',
    async (when) => {
      const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
      const heldBy = () => {
        const { holds } = world.server.bucket(1);
        return holds.areOn({ region: 'inner', tags: [] }, world.clock.nowMicros());
      };
      if (when === 'at once') a.faults.loseNextReply('stamp');
      const second = a.faults.holdNextReply('stamp');
      const clearing = a.cache.clear();
      await settle();
      // until the circuit closes, no call goes out but polls
      a.faults.breakDown();
      second.open();
      await clearing;
      await settle();
      expect(heldBy()).toBe(true);
      await world.clock.advance(1_500);
      expect(heldBy()).toBe(true);
      a.faults.heal();
      // the journal tries again after two seconds, and a poll comes before that, though nobody reads that bucket
      await world.clock.advance(260);
      expect(heldBy()).toBe(false);
      await world.clock.advance(3_000);
      expect(a.cache.status().pendingEvictions).toBe(0);
      loads = 0;
      for (let n = 0; n < 3; n++) await readInner(b);
      expect(loads).toBe(1);
    },
  );
});
