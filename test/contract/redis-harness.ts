import { Cluster, Redis } from 'ioredis';
import { Keyspace } from '../../lib/keys/keyspace.js';
import type { RedisConnectionOptions } from '../../lib/options/redis-connection.js';
import { systemClock } from '../../lib/shared/clock.js';
import { silentLogger } from '../../lib/shared/logger.js';
import type { Channel, ChannelMessage } from '../../lib/stores/channel.js';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import { openRedis } from '../../lib/stores/redis/open-redis.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import type { ChannelHarness } from './channel.contract.js';
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
      await admin.publish(keyspace.channelOf(0), `0|0|-|W|${marker}`);
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

/** A store on a standalone server, and as many channels as the test asks for, under a service name of their own. */
export function aRedisChannelHarness(url: string): Promise<ChannelHarness> {
  const admin = new Redis(url);
  return channelHarness({ url }, 1, {
    publish: (channel, message) => admin.publish(channel, message),
    hset: (key, field, value) => admin.hset(key, field, value),
    async end(service) {
      const keys = await admin.keys(`${service}:*`);
      if (keys.length > 0) await admin.del(keys);
      admin.disconnect();
    },
  });
}

/** As {@link aRedisChannelHarness}, over the masters of a Cluster. */
export function aShardChannelHarness(nodes: { host: string; port: number }[]): Promise<ChannelHarness> {
  const admin = new Cluster(nodes);
  return channelHarness({ nodes }, 6, {
    publish: (channel, message) => admin.spublish(channel, message),
    hset: (key, field, value) => admin.hset(key, field, value),
    end: async () => admin.disconnect(),
  });
}

interface ChannelAdmin {
  publish(channel: string, message: string | Buffer): Promise<unknown>;
  hset(key: string, field: string, value: string): Promise<unknown>;
  end(service: string): Promise<void>;
}

async function channelHarness(
  connection: RedisConnectionOptions,
  bucketCount: number,
  admin: ChannelAdmin,
): Promise<ChannelHarness> {
  const service = `channel${process.pid}x${(services += 1)}`;
  const keyspace = new Keyspace({ service, bucketCount, maxKeyLength: 200 });
  const open = () =>
    openRedis(connection, { keyspace, commandTimeoutMs: 2_000, logger: silentLogger, clock: systemClock });
  const { store } = open();
  await store.open();
  const prefix = `${service}:~marker`;
  const buckets = Array.from({ length: bucketCount }, (_, bucket) => bucket);
  let markers = 0;
  const channels: { channel: Channel; store: RemoteStore; stands: boolean; markers: Set<string> }[] = [];

  return {
    store,
    keyspace,
    channel() {
      const drivers = open();
      const state = {
        channel: drivers.channel as Channel,
        store: drivers.store,
        stands: false,
        markers: new Set<string>(),
      };
      channels.push(state);
      return {
        open: async (listener) => {
          await state.channel.open((message) => {
            if (message.kind === 'wake' && message.entry.startsWith(prefix)) state.markers.add(message.entry);
            else listener(message);
          });
          state.stands = true;
        },
        close: () => {
          state.stands = false;
          return state.channel.close();
        },
      };
    },
    // what was published before the markers arrives before them
    async settled() {
      const sent = buckets.map((bucket) => ({ bucket, marker: `${prefix}${(markers += 1)}` }));
      for (const { bucket, marker } of sent) {
        await admin.publish(keyspace.channelOf(bucket), `${bucket}|0|-|W|${marker}`);
      }
      const standing = () => channels.filter(({ stands }) => stands);
      await waitUntil(() => standing().every((state) => sent.every(({ marker }) => state.markers.has(marker))), {
        everyMs: 1,
        what: 'the markers',
      });
    },
    restart: async () => {
      for (const bucket of buckets) await admin.hset(keyspace.bucketKey(bucket), 'b', 'another process');
    },
    publishRaw: async (message) => void (await admin.publish(keyspace.channelOf(0), message)),
    close: async () => {
      await Promise.all([
        store.close(),
        ...channels.map(async (each) => [await each.channel.close(), await each.store.close()]),
      ]);
      await admin.end(service);
    },
  };
}
