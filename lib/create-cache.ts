import { createEngine } from './cache/create-engine.js';
import { type LoadScopes, processScopes } from './cache/load-scopes.js';
import { RedisCache } from './cache/redis-cache.js';
import type { Codec } from './codecs/codec.js';
import { JsonCodec } from './codecs/json-codec.js';
import { MsgpackCodec } from './codecs/msgpack-codec.js';
import type { EmbeddedWiring } from './embedded-wiring.js';
import { Keyspace } from './keys/keyspace.js';
import type { RedisConnectionOptions } from './options/redis-connection.js';
import { type Clock, systemClock } from './shared/clock.js';
import type { LoggerPort } from './shared/logger.js';
import type { Broadcast } from './stores/broadcast.js';
import type { Channel } from './stores/channel.js';
import type { ForeignWrites } from './stores/foreign-writes.js';
import { LruLocalStore } from './stores/memory/lru-local-store.js';
import { MemoryChannel } from './stores/memory/memory-channel.js';
import { MemoryRemoteStore } from './stores/memory/memory-remote-store.js';
import { MemoryServer } from './stores/memory/memory-server.js';
import { isClusterConnection } from './stores/redis/client-options.js';
import { openRedis } from './stores/redis/open-redis.js';
import type { RemoteStore } from './stores/remote-store.js';
import type { CodecName } from './options/policy-options.js';
import type { ResolvedOptions, ResolvedRegionOptions } from './options/resolved-options.js';

/** What a cache talks to beside its process. */
export interface Drivers {
  readonly store: RemoteStore;
  readonly channel: Channel;
  /** Left out: nothing but this cache reaches its store. */
  readonly broadcast?: Broadcast;
  /** Left out: nobody tells of writes that go past the cache. */
  readonly foreignWrites?: ForeignWrites | null;
}

/** The outer world of a cache, as far as it is not what the options name. Tests hand in their own. */
export interface World {
  readonly logger: LoggerPort;
  /** @default what `options.redis` names; without it the embedded store, one of its own for each cache */
  readonly drivers?: Drivers;
  readonly clock?: Clock;
  /** 0 <= x < 1 */
  readonly random?: () => number;
  /** @default those of the process */
  readonly scopes?: LoadScopes;
}

/**
 * The composition root: options -> drivers -> cache. The only file that names drivers.
 *
 * @throws CacheError RC_INVALID_OPTION
 */
export function createCache(
  options: ResolvedOptions,
  { logger, drivers, clock = systemClock, random = Math.random, scopes = processScopes }: World,
): RedisCache {
  const codecOf = createCodecs();
  for (const region of [options.defaults, ...options.regions.values()]) codecOf(region.codec);
  const keyspace = new Keyspace({
    service: options.service,
    bucketCount: drivers?.store.bucketCount ?? bucketCountOf(options),
    maxKeyLength: options.maxKeyLength,
    hasTag: options.hashTag,
  });
  const engine = createEngine({
    options,
    keyspace,
    ...(drivers ?? driversOf(options, keyspace, logger, clock)),
    local: options.l1 ? new LruLocalStore(options.l1) : null,
    codecOf,
    clock,
    logger,
    random,
    scopes,
  });
  return new RedisCache(engine);
}

function bucketCountOf({ redis, buckets }: ResolvedOptions): number {
  return redis !== null && isClusterConnection(redis) ? buckets : 1;
}

function driversOf(options: ResolvedOptions, keyspace: Keyspace, logger: LoggerPort, clock: Clock): Drivers {
  return options.redis === null ? embeddedDrivers() : redisDrivers(options.redis, options, keyspace, logger, clock);
}

/** A server of its own per cache: what one process keeps ends with it. */
export function embeddedDrivers(wiring?: EmbeddedWiring): Drivers {
  const server = new MemoryServer({ nowMicros: wiring?.nowMicros });
  const store = new MemoryRemoteStore(server);
  return { store: wiring ? wiring.wire(server, store) : store, channel: new MemoryChannel(server) };
}

function redisDrivers(
  redis: RedisConnectionOptions,
  options: ResolvedOptions,
  keyspace: Keyspace,
  logger: LoggerPort,
  clock: Clock,
): Drivers {
  return openRedis(redis, {
    keyspace,
    commandTimeoutMs: options.commandTimeoutMs,
    ...(options.l1 ? { maxAgeMs: options.l1.maxAgeMs } : {}),
    foreignWrites: options.l1 ? options.foreignWrites : false,
    stampLifetimeMs: Math.max(DAY_MS, ...[options.defaults, ...options.regions.values()].map(longestLifeMs)),
    logger,
    clock,
  });
}

const DAY_MS = 86_400_000;

function longestLifeMs({
  ttlMs,
  negativeTtlMs,
  staleWhileRevalidateMs,
  staleIfErrorMs,
}: ResolvedRegionOptions): number {
  return Math.max(ttlMs, negativeTtlMs ?? 0) + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
}

function createCodecs(): (codec: CodecName | Codec) => Codec {
  const codecs = new Map<CodecName, Codec>();
  const create = { json: () => new JsonCodec(), msgpack: () => new MsgpackCodec() };
  return (codec) => {
    if (typeof codec !== 'string') return codec;
    let known = codecs.get(codec);
    if (!known) codecs.set(codec, (known = create[codec]()));
    return known;
  };
}
