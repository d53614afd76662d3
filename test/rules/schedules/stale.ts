import { settle } from '../../support/fake-clock.js';
import { promised, type Schedule } from '../schedule.js';

const SOFT = { ttl: '10s', staleIfError: '1h', timeout: { soft: '100ms' } } as const;

/** Values past their ttl, and loads that outlive the answer of their callers. */
export const staleSchedules: readonly Schedule[] = [
  {
    convicts: ['a stale value counts as of its serving'],
    name: 'who arrives after an eviction takes no stale value that was found before it',
    async run(scene) {
      const [a, b] = await scene.pair({ ...SOFT, l1: false });
      await scene.read(a);
      await scene.pass(15_000);
      const load = await scene.slowRead(a);
      scene.version = 2;
      await scene.evict(b);
      const joined = scene.read(a);
      await scene.pass(101);
      load.end();
      await load.value;
      promised(2, await joined, 'a read after an acknowledged eviction (G1)');
    },
  },
  {
    convicts: ['a late load has no ticket of its own'],
    name: 'what a late load fills does not stay in L1 when an eviction overtakes the answer',
    async run(scene) {
      const [a, b] = await scene.pair(SOFT);
      await scene.read(a);
      await scene.pass(15_000);
      const load = await scene.slowRead(a);
      await scene.pass(100);
      await load.value;
      const answer = a.faults.holdNextReply('fill');
      load.end();
      await settle();
      scene.version = 2;
      await scene.evict(b);
      await settle();
      answer.open();
      await a.engine.settled();
      await scene.pass(1_100);
      promised(2, await scene.read(a), 'a read more than D after an acknowledged eviction (G2)');
    },
  },
];
