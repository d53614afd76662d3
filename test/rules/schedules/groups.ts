import type { Region } from '../../../lib/cache/region.js';
import { type Instance, World } from '../../support/a-cache.js';
import { settle } from '../../support/fake-clock.js';
import { promised, type Schedule } from '../schedule.js';

const REGION = 'made';
const regionOf = ({ engine }: Instance): Region => engine.region(REGION);

/** The `n`th key of a bucket. */
function keyIn(instance: Instance, bucket: number, n: number): string {
  const { keyOf } = regionOf(instance);
  for (let id = 0; ; id++) if (keyOf(String(id)).bucket === bucket && n-- === 0) return String(id);
}

/** Entries of two buckets that are made of each other, the outermost first, and the version of the row below. */
class Nest {
  version = 1;

  constructor(private readonly keys: readonly string[]) {}

  read(instance: Instance, from = 0, tags?: readonly string[]): Promise<number> {
    const load = async () => (from + 1 < this.keys.length ? this.read(instance, from + 1, tags) : this.version);
    return instance.cache.region<number>(REGION).getOrLoad(this.keys[from]!, load, tags && { tags: [...tags] });
  }

  wanted(instance: Instance, ...which: number[]) {
    const region = regionOf(instance);
    return region.wantedKeys(which.map((n) => region.keyOf(this.keys[n]!)));
  }
}

async function inTwoBuckets(
  run: (world: World, a: Instance, b: Instance, nestOf: (...buckets: number[]) => Nest) => Promise<void>,
): Promise<void> {
  const world = new World(2);
  const [a, b] = [await world.start({ l1: false }), await world.start({ l1: false })];
  await run(world, a, b, (...buckets) => new Nest(buckets.map((bucket, n) => keyIn(a, bucket, n))));
  await world.end();
}

/** Evictions that belong together, over several buckets (R19). */
export const groupSchedules: readonly Schedule[] = [
  {
    convicts: ['a group over several buckets goes in one round'],
    name: 'an entry is not made again of an old one between their evictions',
    run: () =>
      inTwoBuckets(async (_, a, b, nestOf) => {
        const nest = nestOf(0, 1);
        await nest.read(b);
        nest.version = 2;
        const [early, late] = [0, 1].map(() => [a.faults.holdNext('fence'), a.faults.holdNext('evict')]);
        const evicting = regionOf(a).writer.evictAll(nest.wanted(a, 0, 1));
        await settle();
        for (const gate of early!) gate.open();
        await settle();
        await nest.read(b);
        for (const gate of late!) gate.open();
        await evicting;
        promised(2, await nest.read(b), 'a read after both evictions were acknowledged (G1)');
      }),
  },
  {
    convicts: ['a group over several buckets goes in one round'],
    name: 'an entry is not made again of an old one while their tag is evicted bucket by bucket',
    run: () =>
      inTwoBuckets(async (_, a, b, nestOf) => {
        const nest = nestOf(0, 1);
        await nest.read(b, 0, ['t']);
        nest.version = 2;
        const [early, late] = [a.faults.holdNext('stamp'), a.faults.holdNext('stamp')];
        const evicting = a.cache.evictTags(['t']);
        await settle();
        early.open();
        await settle();
        await nest.read(b, 0, ['t']);
        late.open();
        await evicting;
        promised(2, await nest.read(b, 0, ['t']), 'a read after the eviction of the tag was acknowledged (G1)');
      }),
  },
  {
    convicts: ['evictions of one call go one by one'],
    name: 'what one call evicts in one bucket goes in one moment',
    run: () =>
      inTwoBuckets(async (_, a, b, nestOf) => {
        const nest = nestOf(0, 0);
        await nest.read(b);
        nest.version = 2;
        a.faults.holdNext('evict').open();
        const second = a.faults.holdNext('evict');
        const evicting = regionOf(a).writer.evictAll(nest.wanted(a, 0, 1));
        await settle();
        await nest.read(b);
        second.open();
        await evicting;
        promised(2, await nest.read(b), 'a read after both evictions were acknowledged (G1)');
      }),
  },
  {
    convicts: ['the first of two rounds holds nothing'],
    name: 'nothing of a group comes back between its two rounds',
    run: () =>
      inTwoBuckets(async (_, a, b, nestOf) => {
        const nest = nestOf(0, 1, 0);
        await nest.read(b);
        nest.version = 2;
        const [first, second] = [0, 1].map(() => [a.faults.holdNext('fence'), a.faults.holdNext('evict')]);
        const ends = [a.faults.holdNext('unfence'), a.faults.holdNext('unfence')];
        const sending = regionOf(a).writer.send(nest.wanted(a, 0, 1, 2));
        await settle();
        for (const gate of second!) gate.open();
        await settle();
        await nest.read(b, 1);
        for (const gate of first!) gate.open();
        await settle();
        ends[0]!.open();
        await settle();
        await nest.read(b);
        ends[1]!.open();
        await sending;
        promised(2, await nest.read(b), 'a read after the group was acknowledged (G1)');
      }),
  },
  {
    convicts: ['the journal keeps no groups'],
    name: 'a group that failed is sent again as a group',
    run: () =>
      inTwoBuckets(async (world, a, b, nestOf) => {
        const nest = nestOf(0, 1);
        await nest.read(b);
        nest.version = 2;
        // nothing of the first try arrives
        for (const operation of ['fence', 'fence', 'unfence', 'unfence'] as const) a.faults.failNext(operation);
        const outcome = await regionOf(a).writer.send(nest.wanted(a, 0, 1));
        await settle();
        const [early, late] = [0, 1].map(() => [a.faults.holdNext('fence'), a.faults.holdNext('evict')]);
        await world.clock.advance(110);
        for (const gate of early!) gate.open();
        await settle();
        await nest.read(b);
        for (const gate of late!) gate.open();
        if (outcome.kind === 'queued') await outcome.delivered;
        promised(2, await nest.read(b), 'a read after the group was delivered (G1)');
      }),
  },
  {
    convicts: ['a hold that ended counts'],
    name: 'a group whose hold ran out begins again before it is acknowledged',
    run: () =>
      inTwoBuckets(async (world, a, b, nestOf) => {
        const nest = nestOf(1, 0, 1);
        await nest.read(b);
        nest.version = 2;
        const fences = [a.faults.holdNext('fence'), a.faults.holdNext('fence')];
        const ends = [a.faults.holdNext('unfence'), a.faults.holdNext('unfence')];
        const sending = regionOf(a).writer.send(nest.wanted(a, 1, 0, 2));
        await settle();
        fences[0]!.open();
        await world.clock.advance(10_001);
        await nest.read(b, 1);
        fences[1]!.open();
        await settle();
        ends[1]!.open();
        await settle();
        await nest.read(b);
        ends[0]!.open();
        const outcome = await sending;
        await world.clock.advance(1_000);
        if (outcome.kind === 'queued') await outcome.delivered;
        promised(2, await nest.read(b), 'a read after the group was acknowledged (G1)');
      }),
  },
  {
    convicts: ['a fence ends beside the evictions of its call'],
    name: 'a strict eviction ends only when the evictions beside it were acknowledged',
    run: () =>
      inTwoBuckets(async (_, a, b, nestOf) => {
        const nest = nestOf(0, 1);
        await nest.read(b);
        const strict = nest.wanted(a, 0).flatMap((one) => (one.kind === 'key' ? [one] : []));
        const evict = a.faults.holdNext('evict');
        const plan = { strict, puts: [], evictsNothing: false, after: () => nest.wanted(a, 1) };
        const writing = regionOf(a).writer.writeAll(plan, async () => (nest.version = 2));
        await settle();
        await nest.read(b);
        evict.open();
        await writing;
        await settle();
        promised(2, await nest.read(b), 'a read after the call ended (G1)');
      }),
  },
];
