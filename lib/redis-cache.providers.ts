import { Logger, type Provider } from '@nestjs/common';
import { CacheRegistry } from './application/cache-registry.js';
import { RedisCache } from './cache/redis-cache.js';
import { CacheLifecycle } from './cache-lifecycle.js';
import type { Codec } from './codecs/codec.js';
import { JsonCodec } from './codecs/json-codec.js';
import { MsgpackCodec } from './codecs/msgpack-codec.js';
import { type EmbeddedWiring, getEmbeddedWiringToken } from './embedded-wiring.js';
import { ApplicationPlanner } from './interception/application-planner.js';
import { Keyspace } from './keys/keyspace.js';
import type { CodecName, RedisCacheOptions } from './options/redis-cache-options.js';
import type { RedisConnectionOptions } from './options/redis-connection.js';
import { resolveOptions } from './options/resolve-options.js';
import type { ResolvedOptions, ResolvedRegionOptions } from './options/resolved-options.js';
import { MODULE_OPTIONS_TOKEN } from './redis-cache.module-definition.js';
import { systemClock } from './shared/clock.js';
import type { LoggerPort } from './shared/logger.js';
import { DEFAULT_CACHE, getCacheToken } from './shared/tokens.js';
import type { Channel } from './stores/channel.js';
import { LruLocalStore } from './stores/memory/lru-local-store.js';
import { MemoryChannel } from './stores/memory/memory-channel.js';
import { MemoryRemoteStore } from './stores/memory/memory-remote-store.js';
import { MemoryServer } from './stores/memory/memory-server.js';
import { isClusterConnection } from './stores/redis/client-options.js';
import { placesOf } from './stores/redis/connection-places.js';
import { openRedis } from './stores/redis/open-redis.js';
import type { RemoteStore } from './stores/remote-store.js';

/** The composition root: options -> drivers -> cache. The only file that names drivers. */
export function cacheProviders(name: string): Provider[] {
  const token = getCacheToken(name);
  const options = Symbol(`options of the cache "${name}"`);
  return [
    {
      provide: options,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: (written: RedisCacheOptions) =>
        resolveOptions(written, { name, warn: (message) => loggerOf(name).warn(message) }),
    },
    {
      provide: token,
      inject: [options, { token: getEmbeddedWiringToken(name), optional: true }],
      useFactory: (resolved: ResolvedOptions, wiring?: EmbeddedWiring) =>
        createCache(wiring ? { ...resolved, redis: null } : resolved, loggerOf(name), wiring),
    },
    ...(name === DEFAULT_CACHE ? [{ provide: RedisCache, useExisting: token }] : []),
    {
      provide: CacheLifecycle,
      inject: [token, options, CacheRegistry, ApplicationPlanner],
      useFactory: (
        cache: RedisCache,
        resolved: ResolvedOptions,
        registry: CacheRegistry,
        planner: ApplicationPlanner,
      ) => {
        // a test may have put something of its own in the place of the cache
        if (!(cache instanceof RedisCache)) return null;
        const places = resolved.redis === null ? [] : placesOf(resolved.redis);
        registry.register({
          name,
          service: resolved.service,
          places,
          cache,
          regions: new Set(resolved.regions.keys()),
          providedIn: options,
        });
        return new CacheLifecycle(
          cache,
          resolved,
          () => planner.planAll(),
          loggerOf(name),
          () => registry.closeAll(),
        );
      },
    },
  ];
}

/** @throws CacheError RC_INVALID_OPTION */
function createCache(
  options: ResolvedOptions,
  logger: LoggerPort,
  wiring: EmbeddedWiring = APPLICATION_WIRING,
): RedisCache {
  const codecOf = createCodecs();
  for (const region of [options.defaults, ...options.regions.values()]) codecOf(region.codec);
  const isCluster = options.redis !== null && isClusterConnection(options.redis);
  const keyspace = new Keyspace({
    service: options.service,
    bucketCount: isCluster ? options.buckets : 1,
    maxKeyLength: options.maxKeyLength,
  });
  const drivers =
    options.redis === null ? embeddedDrivers(wiring) : redisDrivers(options.redis, options, keyspace, logger);
  return new RedisCache({
    options,
    keyspace,
    ...drivers,
    local: options.l1 ? new LruLocalStore(options.l1) : null,
    codecOf,
    clock: wiring.clock,
    logger,
  });
}

interface Drivers {
  readonly store: RemoteStore;
  readonly channel: Channel;
}

/** A server of its own per cache: what one process keeps ends with it. */
function embeddedDrivers(wiring: EmbeddedWiring): Drivers {
  const server = new MemoryServer({ nowMicros: wiring.nowMicros });
  return { store: wiring.wire(server, new MemoryRemoteStore(server)), channel: new MemoryChannel(server) };
}

const APPLICATION_WIRING: EmbeddedWiring = { clock: systemClock, wire: (_, store) => store };

function redisDrivers(
  redis: RedisConnectionOptions,
  options: ResolvedOptions,
  keyspace: Keyspace,
  logger: LoggerPort,
): Drivers {
  return openRedis(redis, {
    keyspace,
    commandTimeoutMs: options.commandTimeoutMs,
    ...(options.l1 ? { maxAgeMs: options.l1.maxAgeMs } : {}),
    stampLifetimeMs: Math.max(DAY_MS, ...[options.defaults, ...options.regions.values()].map(longestLifeMs)),
    logger,
    clock: systemClock,
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

function loggerOf(name: string): Logger {
  return new Logger(name === DEFAULT_CACHE ? 'RedisCache' : `RedisCache:${name}`);
}
