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

  read(instance: Instance, from = 0): Promise<number> {
    const load = async () => (from + 1 < this.keys.length ? this.read(instance, from + 1) : this.version);
    return instance.cache.region<number>(REGION).getOrLoad(this.keys[from]!, load);
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
