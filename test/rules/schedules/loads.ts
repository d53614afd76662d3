import { settle } from '../../support/fake-clock.js';
import { promised, type Schedule } from '../schedule.js';

/** Leases, and who may share a result. */
export const loadSchedules: readonly Schedule[] = [
  {
    convicts: ['token per client'],
    name: 'a load that outlived its lease and an eviction does not fill under the lease of the next load of its process',
    async run(scene) {
      const [a, b] = await scene.pair({ lease: '1s', l1: false });
      const old = await scene.slowRead(a);
      await scene.pass(1_001);
      scene.version = 2;
      await scene.evict(b);
      const next = await scene.slowRead(a);
      old.end();
      await old.value;
      const read = scene.read(b);
      await settle();
      next.end();
      promised(2, await read, 'a read after an acknowledged eviction (G1)');
    },
  },
  {
    convicts: ['GETL is sent twice, and the load does not wait for the second answer'],
    name: 'no lease is granted to a load that has begun: a question that may still arrive is waited for',
    async run(scene) {
      const [a, b] = await scene.pair({ l1: false });
      a.faults.holdNext('readOrLease').open();
      const late = a.faults.holdNext('readOrLease');
      const load = await scene.slowRead(a);
      scene.version = 2;
      await scene.evict(b);
      late.open();
      await settle();
      load.end();
      await load.value;
      promised(2, await scene.read(b), 'a read after an acknowledged eviction (G1)');
    },
  },
  {
    convicts: ['join after evict', 'a refused load counts as of its end'],
    name: 'who arrives after an eviction takes no result of a load that began before it',
    async run(scene) {
      const [a, b] = await scene.pair({ l1: false });
      const load = await scene.slowRead(a);
      scene.version = 2;
      await scene.evict(b);
      const joined = scene.read(a);
      await settle();
      load.end();
      await load.value;
      promised(2, await joined, 'a read after an acknowledged eviction (G1)');
    },
  },
  {
    convicts: ['a hit counts as of its answer'],
    name: 'who arrives after an eviction takes no hit that was read before it',
    async run(scene) {
      const [a, b] = await scene.pair({ l1: false });
      await scene.read(a);
      const answer = a.faults.holdNextReply('read');
      const first = scene.read(a);
      await settle();
      scene.version = 2;
      await scene.evict(b);
      const joined = scene.read(a);
      await settle();
      answer.open();
      await first;
      promised(2, await joined, 'a read after an acknowledged eviction (G1)');
    },
  },
  {
    convicts: ['a fill counts as of its answer'],
    name: 'who arrives after an eviction takes no value that was filled before it',
    async run(scene) {
      const [a, b] = await scene.pair({ l1: false });
      const answer = a.faults.holdNextReply('fill');
      const first = scene.read(a);
      await settle();
      scene.version = 2;
      await scene.evict(b);
      const joined = scene.read(a);
      await settle();
      answer.open();
      await first;
      promised(2, await joined, 'a read after an acknowledged eviction (G1)');
    },
  },
];
