export type { CacheHealth, EndpointHealth } from './cache-health.js';
export {
  type RedisCacheCheckOptions,
  RedisCacheHealthIndicator,
  type RedisCacheStartupOptions,
} from './redis-cache-health.indicator.js';
export { RedisCacheHealthModule } from './redis-cache-health.module.js';
