import { evictStrictly } from '../../support/a-cache.js';
import { gate } from '../../support/fake-clock.js';
import { promised, type Schedule } from '../schedule.js';

/** Evictions that wait for their acknowledgement, and writes that go no further after their commit. */
export const writeSchedules: readonly Schedule[] = [
  {
    convicts: ['own pending evictions are not bypassed'],
    name: 'a read of the process whose eviction is not acknowledged yet goes past the cache',
    async run(scene) {
      const a = await scene.start();
      await scene.read(a);
      a.faults.failNext('evict');
      scene.version = 2;
      await scene.evict(a);
      promised(2, await scene.read(a), 'a read after an eviction of its own process, acknowledged or not (G3)');
    },
  },
  {
    convicts: ['strict evict without a fence'],
    name: 'nobody reads the old value after a strict write has committed, though its eviction does not come',
    async run(scene) {
      const [a, b] = await scene.pair({ l1: false });
      await scene.read(b);
      const death = gate();
      const committed = gate();
      const users = a.engine.region('users');
      const writing = evictStrictly(users, ['1'], async () => {
        scene.version = 2;
        committed.open();
        await death.promise;
      });
      await committed.promise;
      try {
        promised(2, await scene.read(b), 'a read after the commit of a strict write whose process died (G6)');
      } finally {
        death.open();
      }
      await writing;
    },
  },
];
