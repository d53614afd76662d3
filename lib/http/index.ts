export { HttpCache, HttpCacheEvict } from './http-cache.decorator.js';
export type { HttpCacheEvictOptions, HttpCacheOptions, Identity } from './http-cache-options.js';
export { RedisCacheInterceptor } from './redis-cache.interceptor.js';
