import { Keyspace } from '../../lib/keys/keyspace.js';
import type { Channel, ChannelMessage } from '../../lib/stores/channel.js';
import { MemoryChannel } from '../../lib/stores/memory/memory-channel.js';
import { MemoryRemoteStore } from '../../lib/stores/memory/memory-remote-store.js';
import { MemoryServer } from '../../lib/stores/memory/memory-server.js';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import type { ChannelHarness } from '../contract/channel.contract.js';
import type { RemoteStoreHarness } from '../contract/remote-store.contract.js';
import { FakeClock, settle } from './fake-clock.js';

export interface MemoryHarness extends RemoteStoreHarness {
  readonly server: MemoryServer;
  readonly clock: FakeClock;
}

/** The embedded store for the contract suite. @param wrap what a sabotaged driver does to a store */
export async function openMemoryHarness(
  options: { bucketCount?: number; wrap?: (store: RemoteStore, server: MemoryServer) => RemoteStore } = {},
): Promise<MemoryHarness> {
  const { bucketCount = 1, wrap = (store) => store } = options;
  const clock = new FakeClock();
  const server = new MemoryServer({ nowMicros: clock.nowMicros, bucketCount, maxEntries: 1_000 });
  const channel = new MemoryChannel(server);
  const received: ChannelMessage[] = [];
  await channel.open((message) => received.push(message));
  const stores = [wrap(new MemoryRemoteStore(server), server), wrap(new MemoryRemoteStore(server), server)] as const;
  for (const store of stores) await store.open();
  return {
    stores,
    server,
    clock,
    keyspace: new Keyspace({ service: 'contract', bucketCount, maxKeyLength: 200 }),
    passTime: (ms) => clock.advance(ms),
    async messages() {
      await settle();
      return [...received];
    },
    async restart() {
      server.restart();
    },
    async rollBack(bucket) {
      server.bucket(bucket).sequence -= 1;
    },
    async flush() {
      server.flush();
    },
    async plant() {
      throw new Error('nothing but entries can stand in the embedded store');
    },
    async close() {
      for (const store of stores) await store.close();
      await channel.close();
    },
  };
}

/** The embedded channel for the contract suite. @param wrap what a sabotaged driver does to a channel */
export async function openMemoryChannelHarness(
  wrap: (channel: Channel) => Channel = (channel) => channel,
): Promise<ChannelHarness> {
  const server = new MemoryServer({ nowMicros: new FakeClock().nowMicros });
  const store = new MemoryRemoteStore(server);
  await store.open();
  const channels: Channel[] = [];
  return {
    store,
    keyspace: new Keyspace({ service: 'contract', bucketCount: 1, maxKeyLength: 200 }),
    channel() {
      const channel = wrap(new MemoryChannel(server));
      channels.push(channel);
      return channel;
    },
    settled: settle,
    async restart() {
      server.restart();
    },
    async publishRaw() {
      throw new Error('nothing but messages can be published in the embedded store');
    },
    async close() {
      await store.close();
      for (const channel of channels) await channel.close();
    },
  };
}
