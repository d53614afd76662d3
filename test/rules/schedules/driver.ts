import { Keyspace } from '../../../lib/keys/keyspace.js';
import { systemClock } from '../../../lib/shared/clock.js';
import { silentLogger } from '../../../lib/shared/logger.js';
import { openRedis } from '../../../lib/stores/redis/open-redis.js';
import { startProxy } from '../../support/servers/proxy.js';
import { BrokenPromise, type Schedule } from '../schedule.js';

/** The driver on a real Redis. */
export const driverSchedules: readonly Schedule[] = [
  {
    convicts: ['position read after the value'],
    name: 'the position of a plain read is from before its value',
    async run({ redis, service }) {
      const proxy = await startProxy(Number(new URL(redis).port));
      const keyspace = new Keyspace({ service, bucketCount: 1, maxKeyLength: 200 });
      const parts = { keyspace, commandTimeoutMs: 5_000, logger: silentLogger, clock: systemClock };
      const { store } = openRedis({ host: '127.0.0.1', port: proxy.port }, parts);
      const { store: other } = openRedis({ url: redis }, parts);
      try {
        await store.open();
        await other.open();
        const key = keyspace.key('users', '1', 'json');
        const args = { key, region: 'users', binary: false };
        await other.readOrLease({ ...args, token: 'a', leaseMs: 1_000, keepMs: 1_000 });
        const entry = { payload: '1', format: 'json', ttlMs: 60_000, staleMs: 0, tags: [], loadMicros: 0, version: '' };
        await other.fill({ ...args, token: 'a', ...entry });
        // what the driver sends after its first packet waits until the key was evicted
        const held = proxy.holdWritesAfter(1);
        const reading = store.read(args);
        await Promise.race([reading, held.reached]);
        const { sequence } = await other.evict({ keys: [key], tombstoneMs: 1_000 });
        held.release();
        const { entry: found, position } = await reading;
        if (found !== null && position !== null && position.sequence >= sequence) {
          throw new BrokenPromise(
            `a plain read that shows an eviction shows no value from before it: got the value at ${position.sequence}, evicted at ${sequence}`,
          );
        }
      } finally {
        await Promise.all([store.close(), other.close()]);
        await proxy.stop();
      }
    },
  },
];
