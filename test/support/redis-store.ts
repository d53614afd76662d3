import { Keyspace } from '../../lib/keys/keyspace.js';
import type { RedisConnectionOptions } from '../../lib/options/redis-connection.js';
import { type Clock, systemClock } from '../../lib/shared/clock.js';
import type { LoggerPort } from '../../lib/shared/logger.js';
import type { ChannelMessage } from '../../lib/stores/channel.js';
import { openRedis } from '../../lib/stores/redis/open-redis.js';
import type { RedisChannel } from '../../lib/stores/redis/redis-channel.js';
import type { RedisRemoteStore } from '../../lib/stores/redis/redis-remote-store.js';

/** A store on a real Redis, and what it said and heard. */
export interface OpenedStore {
  readonly store: RedisRemoteStore;
  readonly channel: RedisChannel;
  readonly keyspace: Keyspace;
  readonly messages: ChannelMessage[];
  readonly logged: string[];
  close(): Promise<void>;
}

export interface StoreArgs {
  readonly service?: string;
  readonly bucketCount?: number;
  readonly commandTimeoutMs?: number;
  readonly stampLifetimeMs?: number;
  readonly clock?: Clock;
}

/** Makes the drivers without opening them. */
export function aRedisStore(connection: RedisConnectionOptions, args: StoreArgs = {}): OpenedStore {
  const { service = 'user', bucketCount = 1, commandTimeoutMs = 1_000, clock = systemClock } = args;
  const keyspace = new Keyspace({ service, bucketCount, maxKeyLength: 200 });
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  const logger: LoggerPort = { log, warn: log, error: log, debug: log };
  const { stampLifetimeMs } = args;
  const { store, channel } = openRedis(connection, {
    keyspace,
    commandTimeoutMs,
    ...(stampLifetimeMs === undefined ? {} : { stampLifetimeMs }),
    logger,
    clock,
  });
  const messages: ChannelMessage[] = [];
  return {
    store,
    channel,
    keyspace,
    messages,
    logged,
    close: async () => {
      await store.close();
      await channel.close();
    },
  };
}

/** Makes the drivers and opens both. */
export async function openRedisStore(connection: RedisConnectionOptions, args: StoreArgs = {}): Promise<OpenedStore> {
  const opened = aRedisStore(connection, args);
  try {
    await opened.store.open();
    await opened.channel.open((message) => opened.messages.push(message));
  } catch (error) {
    await opened.close();
    throw error;
  }
  return opened;
}
