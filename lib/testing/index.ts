export type { CacheEviction } from './cache-eviction.js';
export { CacheTesting } from './cache-testing.js';
export {
  getCacheTestingToken,
  RedisCacheTestingModule,
  type RedisCacheTestingOptions,
} from './redis-cache-testing.module.js';
export type { TestClock } from './test-clock.js';
