import { sleep } from '../support/servers/processes.js';
import type { WorkerState } from './messages.js';
import type { Random } from './random.js';
import type { Fault } from './topology.js';
import type { WorkerPool } from './worker-pool.js';

const TEN_MINUTES_MS = 600_000;

/** Faults of the processes, of their channel and of the database; none touches the servers of the cache. */
export function processFaults(pool: WorkerPool, normal: WorkerState): Fault[] {
  const during = (
    name: string,
    weight: number,
    ms: readonly [number, number],
    change: Partial<WorkerState>,
  ): Fault => ({
    name,
    weight,
    losesData: false,
    async run(random) {
      pool.setAll(change);
      await sleep(random.between(...ms));
      pool.setAll(Object.fromEntries(Object.keys(change).map((key) => [key, normal[key as keyof WorkerState]])));
    },
  });
  const replace = async (end: (random: Random) => Promise<void> | void, random: Random) => {
    const before = pool.liveCount;
    await end(random);
    for (let waitedMs = 0; pool.liveCount === before && waitedMs < 3_000; waitedMs += 20) await sleep(20);
    if (pool.liveCount < before) await pool.add();
  };
  const one = (random: Random) => random.below(64);
  const crash = (name: string, isStrict: boolean, weight: number): Fault => ({
    name,
    weight,
    losesData: false,
    run: (random) => replace(() => pool.send({ kind: 'crash', isStrict }, one(random)), random),
  });
  return [
    during('drop 10 % of messages', 4, [500, 2_500], { dropShare: 0.1 }),
    during('drop all messages', 4, [300, 2_500], { dropShare: 1 }),
    during('slow channel', 3, [300, 1_500], { messageDelayMs: 200 }),
    during('slightly slow channel', 2, [500, 1_500], { messageDelayMs: 20 }),
    during('slow loads', 3, [500, 2_000], {
      loadDelays: { ...normal.loadDelays, tailShare: 0.3, tailMs: 400, slowShare: 0.02, slowMs: 4_000 },
    }),
    during('events only', 2, [5_000, 9_000], { mix: 'events' }),
    during('events and evictions', 2, [5_000, 9_000], { mix: 'events-and-evictions' }),
    during('reads mostly', 1, [1_000, 3_000], { mix: 'read-mostly' }),
    {
      name: 'wrong wall clocks',
      weight: 3,
      losesData: false,
      async run(random) {
        for (let index = 0; index < pool.liveCount; index++) {
          pool.send({ kind: 'set', state: { clockShiftMs: TEN_MINUTES_MS * random.pick([-1, 1]) } }, index);
        }
        await sleep(random.between(300, 2_000));
        pool.setAll({ clockShiftMs: 0 });
      },
    },
    {
      name: 'freeze a process',
      weight: 3,
      losesData: false,
      async run(random) {
        const thaw = pool.freeze(one(random));
        await sleep(random.between(50, 1_500));
        thaw();
      },
    },
    {
      name: 'suspend a process',
      weight: 3,
      losesData: false,
      async run(random) {
        const ms = random.between(500, 2_500);
        pool.send({ kind: 'suspend', ms }, one(random));
        await sleep(ms);
      },
    },
    {
      name: 'kill a process',
      weight: 1,
      losesData: false,
      run: (random) => replace(() => pool.kill(one(random)), random),
    },
    crash('kill a process inside a strict write', true, 2),
    crash('kill a process between commit and eviction', false, 2),
  ];
}
