import { settle } from '../../support/fake-clock.js';
import { promised, type Schedule } from '../schedule.js';

const G1 = 'a read after an acknowledged eviction (G1)';
const G7 = 'a read after a failover that forgot an eviction (G7)';
const tags = ['t'];
const WITHOUT_L1 = { l1: false } as const;

/** Verified plain reads: which of them are hits. */
export const plainReadSchedules: readonly Schedule[] = [
  {
    convicts: ['plain read without identity'],
    name: 'a plain read of a server that nobody has identified is no hit',
    async run(scene) {
      const [a, b] = await scene.pair(WITHOUT_L1);
      const { server } = scene.world;
      await scene.read(a);
      await scene.read(b);
      const replica = server.dump();
      scene.version = 2;
      await scene.evict(a);
      server.restart();
      server.rollBack(replica);
      // the driver identifies the server as it reads; what comes of that is late
      b.channel.loses = () => true;
      promised(2, await scene.read(b), G7);
    },
  },
  {
    convicts: ['plain read of another incarnation'],
    name: 'an entry that a rollback brought back is no hit',
    async run(scene) {
      const [a, b] = await scene.pair(WITHOUT_L1);
      const { server } = scene.world;
      await scene.read(a);
      const snapshot = server.dump();
      scene.version = 2;
      await scene.evict(a);
      server.rollBack(snapshot);
      await scene.evict(b, 7);
      await settle();
      promised(2, await scene.read(b), G7);
    },
  },
  {
    convicts: ['plain read without tq'],
    name: 'a plain read that shows a mark of which no message came is no hit',
    async run(scene) {
      const [a, b] = await scene.pair(WITHOUT_L1);
      await scene.read(a, { tags });
      b.channel.loses = () => true;
      scene.version = 2;
      await a.cache.evictTags(tags);
      promised(2, await scene.read(b, { tags }), G1);
    },
  },
  {
    convicts: ['plain read without tagFloor'],
    name: 'a tagged entry from before an instance began to listen is left to the judgement of the server',
    async run(scene) {
      const a = await scene.start(WITHOUT_L1);
      await scene.read(a, { tags });
      scene.version = 2;
      await a.cache.evictTags(tags);
      const b = await scene.start(WITHOUT_L1);
      promised(2, await scene.read(b, { tags }), G1);
    },
  },
  {
    convicts: ['plain read without stamps'],
    name: 'an entry whose tag was evicted, as this instance knows, is no hit',
    async run(scene) {
      const [a, b] = await scene.pair(WITHOUT_L1);
      await scene.read(a, { tags });
      scene.version = 2;
      await a.cache.evictTags(tags);
      await settle();
      promised(2, await scene.read(b, { tags }), G1);
    },
  },
  {
    convicts: ['a read of another incarnation of the bucket is trusted'],
    name: 'a plain read of a bucket that began anew is no hit for who has not heard of it',
    async run(scene) {
      const [a, b] = await scene.pair(WITHOUT_L1);
      const { server } = scene.world;
      await scene.read(a);
      await scene.read(b);
      const snapshot = server.dump();
      await a.cache.evictTags(['other']);
      await settle();
      // the server forgets the tag, and begins anew with as many marks as b knows of
      server.rollBack(snapshot);
      b.channel.loses = () => true;
      scene.version = 2;
      await scene.evict(a);
      server.values.restore(snapshot.values);
      promised(2, await scene.read(b), G7);
    },
  },
];
