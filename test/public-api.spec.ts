import { expect, it } from '@jest/globals';
import * as api from '../lib/index.js';
import * as health from '../lib/health/index.js';
import * as http from '../lib/http/index.js';
import * as microservices from '../lib/invalidation/index.js';
import * as testing from '../lib/testing/index.js';

it('exports these values, and no others', () => {
  expect(Object.keys(api).sort()).toEqual([
    'CACHE_ERROR_CODES',
    'CacheChanges',
    'CacheConfig',
    'CacheError',
    'CacheEvict',
    'CachePut',
    'CacheRegion',
    'Cacheable',
    'ChangedRegion',
    'InjectCache',
    'InvalidateOn',
    'JsonCodec',
    'MsgpackCodec',
    'RedisCache',
    'RedisCacheModule',
    'cached',
    'getCacheToken',
    'instanceOf',
    'isCacheError',
    'withReport',
  ]);
});

it('exports these values for microservices, and no others', () => {
  expect(Object.keys(microservices).sort()).toEqual([
    'CacheOutboxTransport',
    'RedisCacheEvents',
    'RedisCacheEventsModule',
  ]);
});

it('exports these values for tests, and no others', () => {
  expect(Object.keys(testing).sort()).toEqual(['CacheTesting', 'RedisCacheTestingModule', 'getCacheTestingToken']);
});

it('exports these values for health checks, and no others', () => {
  expect(Object.keys(health).sort()).toEqual(['RedisCacheHealthIndicator', 'RedisCacheHealthModule']);
});

it('exports these values for HTTP, and no others', () => {
  expect(Object.keys(http).sort()).toEqual(['HttpCache', 'HttpCacheEvict', 'RedisCacheInterceptor']);
});
