import { Redis } from 'ioredis';
import { Keyspace } from '../../lib/keys/keyspace.js';
import { systemClock } from '../../lib/shared/clock.js';
import { silentLogger } from '../../lib/shared/logger.js';
import type { ChannelMessage } from '../../lib/stores/channel.js';
import { openRedis } from '../../lib/stores/redis/open-redis.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import type { RemoteStoreHarness } from './remote-store.contract.js';

let services = 0;

/** Two stores and a channel on a standalone server, under a service name of their own. */
export async function aRedisHarness(url: string): Promise<RemoteStoreHarness> {
  const service = `contract${process.pid}x${(services += 1)}`;
  const keyspace = new Keyspace({ service, bucketCount: 1, maxKeyLength: 200 });
  const open = () =>
    openRedis({ url }, { keyspace, commandTimeoutMs: 2_000, logger: silentLogger, clock: systemClock });
  const admin = new Redis(url);
  const { channel, store: first } = open();
  const { store: second } = open();
  const received: ChannelMessage[] = [];
  await channel.open((message) => received.push(message));
  await first.open();
  await second.open();
  const M = keyspace.bucketKey(0);
  let markers = 0;

  return {
    stores: [first, second],
    keyspace,
    passTime: (ms) => sleep(ms + 1),
    // what was published before the marker arrives before it
    async messages() {
      const marker = `${service}:~marker${(markers += 1)}`;
      const isMarker = (message: ChannelMessage) => message.kind === 'wake' && message.entry === marker;
      await admin.publish(keyspace.channel, `0|0|-|W|${marker}`);
      await waitUntil(() => received.some(isMarker), { everyMs: 1, what: 'the marker message' });
      received.splice(received.findIndex(isMarker), 1);
      return [...received];
    },
    restart: async () => void (await admin.hset(M, 'b', 'another process')),
    rollBack: async () => void (await admin.hincrby(M, 'q', -1)),
    flush: async () => {
      const keys = await admin.keys(`${service}:*`);
      if (keys.length > 0) await admin.del(keys);
    },
    plant: async (entry, bytes) => void (await admin.set(entry, bytes)),
    close: async () => {
      await Promise.all([first.close(), second.close(), channel.close()]);
      const keys = await admin.keys(`${service}:*`);
      if (keys.length > 0) await admin.del(keys);
      admin.disconnect();
    },
  };
}
