export type { AfterCommitOptions } from './cache/after-commit.js';
export { CacheChanges, ChangedRegion } from './cache/cache-changes.js';
export type { CacheStatus } from './cache/cache-status.js';
export { CacheRegion, type GetOrLoadOptions, type PutOptions } from './cache/cache-region.js';
export type { LoadContext } from './cache/load-context.js';
export type { ReadOptions } from './cache/read-policy.js';
export { type BypassReason, type ReadReport, withReport } from './cache/read-report.js';
export { RedisCache } from './cache/redis-cache.js';
export type { Codec, Decoded, Encoded, LostClass } from './codecs/codec.js';
export { JsonCodec } from './codecs/json-codec.js';
export { MsgpackCodec } from './codecs/msgpack-codec.js';
export type { Payload } from './entries/stored-entry.js';
export type { Version } from './entries/version.js';
export { cached, type CachedHandle } from './interception/cached-handle.js';
export type { KeySegment, KeyValue } from './keys/key-segment.js';
export { CacheConfig } from './operations/cache-config.decorator.js';
export { CacheEvict } from './operations/cache-evict.decorator.js';
export { CachePut } from './operations/cache-put.decorator.js';
export { Cacheable } from './operations/cacheable.decorator.js';
export { InvalidateOn, type InvalidateOnDecorator } from './operations/invalidate-on.decorator.js';
export type {
  EventInfo,
  EventMap,
  EventName,
  Invalidation,
  InvalidateOnOptions,
} from './operations/invalidation-rule.js';
export { InjectCache } from './operations/inject-cache.decorator.js';
export type { AsyncMethod, CachedMethodDecorator, MethodDecoratorFor } from './operations/method-types.js';
export type {
  CacheableOptions,
  CacheConfigOptions,
  CacheEvictOptions,
  CachePutOptions,
  KeyOption,
} from './operations/operation-options.js';
export { cacheClientOptions } from './options/cache-client-options.js';
export type { Duration, DurationOption } from './options/duration.js';
export type { CodecName, LoadTimeouts, RegionOptions } from './options/policy-options.js';
export type { L1Options, RedisCacheOptions } from './options/redis-cache-options.js';
export type {
  RedisClient,
  RedisConnectionOptions,
  RedisCredentials,
  RedisClientOption,
  RedisCredentialsOption,
  RedisNodesOption,
  RedisUrlOption,
} from './options/redis-connection.js';
export { type FieldTypes, instanceOf, type TypedInstance, type ValueType } from './options/value-type.js';
export type { RedisCacheModuleExtras, RedisCacheOptionsFactory } from './redis-cache.module-definition.js';
export { RedisCacheModule } from './redis-cache.module.js';
export { CACHE_ERROR_CODES, CacheError, type CacheErrorCode, isCacheError } from './shared/errors.js';
export { getCacheToken } from './shared/tokens.js';
export type { RegionCounts } from './telemetry/recorder.js';
