import type { RedisCacheOptions } from '../../../lib/options/redis-cache-options.js';
import { promised, type Schedule } from '../schedule.js';

const WITHOUT_L1: Partial<RedisCacheOptions> = { l1: false };

/** Two releases of an application, side by side (R23). */
export const releaseSchedules: readonly Schedule[] = [
  {
    convicts: ['the key follows the codec'],
    name: 'an eviction of a release with another codec reaches the entry',
    async run(scene) {
      const a = await scene.start(WITHOUT_L1);
      const b = await scene.start({ ...WITHOUT_L1, codec: 'msgpack' });
      await scene.read(a);
      scene.version = 2;
      await scene.evict(b);
      promised(2, await scene.read(a), 'a read after an acknowledged eviction (G1)');
    },
  },
  {
    convicts: ['values of another shape are hits'],
    name: 'a value of another shape is a miss',
    async run(scene) {
      const a = await scene.start(WITHOUT_L1);
      const b = await scene.start({ ...WITHOUT_L1, regions: { users: { shape: 2 } } });
      await scene.read(a);
      // values of the second shape, as it were
      scene.version = 2;
      promised(2, await scene.read(b), 'a release gets values of its own shape');
    },
  },
];
