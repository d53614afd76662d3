import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
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
    'cacheClientOptions',
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

describe('the public types', () => {
  const root = join(import.meta.dirname, '..');
  const printed = execFileSync(process.execPath, ['tools/api-report.mjs', '--print'], { cwd: root, encoding: 'utf8' });
  const { text, files } = JSON.parse(printed) as { text: string; files: readonly string[] };

  it('are those of docs/api.txt (after a change that is meant: npm run api)', () => {
    expect(text).toBe(readFileSync(join(root, 'docs', 'api.txt'), 'utf8'));
  });

  it('reach nothing of the engine, the stores, or the wiring', () => {
    const inside = files.filter((file) =>
      /^(stores|cache|application|values|keys|embedded-wiring|create-cache)/.test(file),
    );
    expect(inside).toEqual([
      'cache/after-commit.ts',
      'cache/cache-changes.ts',
      'cache/cache-region.ts',
      'cache/cache-status.ts',
      'cache/load-context.ts',
      'cache/read-policy.ts',
      'cache/read-report.ts',
      'cache/redis-cache.ts',
      'keys/key-segment.ts',
      // the state of each server, in status()
      'stores/remote-store.ts',
    ]);
  });
});
