import type { EvictStep } from '../../../lib/interception/call-steps.js';
import { planOfSteps } from '../../../lib/interception/operation-runner.js';
import { StoreRefusal } from '../../../lib/stores/remote-store.js';
import { evictStrictly } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';
import { promised, type Schedule } from '../schedule.js';

const G1 = 'a read after an acknowledged eviction (G1)';
const NO_L1 = { l1: false } as const;

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
  {
    convicts: ['a fence is shorter than its write'],
    name: 'nobody fills the old value while a strict write runs, however long, within its fence',
    async run(scene) {
      const [a, b] = await scene.pair(NO_L1);
      const [begun, go, committed, death] = [gate(), gate(), gate(), gate()];
      const writing = evictStrictly(a.engine.region('users'), ['1'], async () => {
        begun.open();
        await go.promise;
        scene.version = 2;
        committed.open();
        await death.promise;
      });
      await begun.promise;
      await scene.pass(5_000);
      await scene.read(b);
      go.open();
      await committed.promise;
      try {
        promised(2, await scene.read(b), 'a read after the commit of a strict write whose process died (G6)');
      } finally {
        death.open();
      }
      await writing;
    },
  },
  {
    convicts: ['a fence is set when the method has read'],
    name: 'a write does not put what its transaction read before others committed',
    async run(scene) {
      const [a, b] = await scene.pair(NO_L1);
      const [hasRead, go] = [gate(), gate()];
      const writing = a.cache.region<number>('users').write(1, async () => {
        const { version } = scene;
        hasRead.open();
        await go.promise;
        return version;
      });
      await hasRead.promise;
      scene.version = 2;
      await scene.evict(b);
      go.open();
      await writing;
      promised(2, await scene.read(b), G1);
    },
  },
  {
    convicts: ['an eviction goes before its method'],
    name: 'the eviction of a method follows its commit',
    async run(scene) {
      const [a, b] = await scene.pair(NO_L1);
      const [begun, go] = [gate(), gate()];
      const step: EvictStep = {
        kind: 'evict',
        cache: a.engine,
        region: a.engine.region('users'),
        identifyAll: () => ['1'],
        tags: null,
        clears: false,
        version: null,
        condition: null,
        where: 'a method',
      };
      const change = planOfSteps({ before: [], reads: [], writes: [], after: [step] }, async () => {
        begun.open();
        await go.promise;
        scene.version = 2;
      });
      const changing = change(undefined, []);
      await begun.promise;
      await scene.read(b);
      go.open();
      await changing;
      promised(2, await scene.read(b), G1);
    },
  },
  {
    convicts: ['an eviction that waits for others counts'],
    name: 'an eviction is acknowledged when Redis answered the call that carries it',
    async run(scene) {
      const [a, b] = await scene.pair(NO_L1);
      await scene.read(b);
      const call = a.faults.holdNext('evict');
      scene.version = 2;
      let isAcknowledged = false;
      const evicting = scene.evict(a).then(() => (isAcknowledged = true));
      await settle();
      const early = isAcknowledged ? await scene.read(b) : 2;
      call.open();
      await evicting;
      promised(2, early, G1);
    },
  },
  {
    convicts: ['of two evictions of a key in one turn the last goes'],
    name: 'an eviction of whatever version is not lost beside one of an older version in the same turn',
    async run(scene) {
      const [a, b] = await scene.pair(NO_L1);
      const version = (value: number) => value;
      await b.cache.region<number>('users').getOrLoad(1, async () => 1, { version });
      scene.version = 2;
      const users = a.cache.region<number>('users');
      await Promise.all([users.evict(1), users.evict(1, { version: 1 })]);
      promised(2, await scene.read(b), G1);
    },
  },
  {
    convicts: ['a journal that overflows forgets'],
    name: 'an eviction that the journal has no room for is made by a clear',
    async run(scene) {
      const [a, b] = await scene.pair(NO_L1);
      await scene.read(b);
      a.faults.breakDown();
      scene.version = 2;
      for (let first = 1; first <= 10_001; first += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, n) => scene.evict(a, first + n)));
      }
      a.faults.heal();
      await scene.pass(5_000);
      promised(2, await scene.read(b), 'a read after an eviction was delivered by the journal');
    },
  },
  {
    convicts: ['a put that a full server refuses counts'],
    name: 'a put that a full server refuses evicts what stands there',
    async run(scene) {
      const [a, b] = await scene.pair(NO_L1);
      await scene.read(b);
      a.faults.failNext('put', new StoreRefusal('OOM command not allowed'));
      scene.version = 2;
      await a.cache.region<number>('users').put(1, 2, { version: 2 });
      promised(2, await scene.read(b), 'a read after an acknowledged put (G5)');
    },
  },
];
