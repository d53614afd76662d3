/** Name of the cache that decorators and `@InjectCache()` use when they name none. */
export const DEFAULT_CACHE = 'default';

/**
 * Injection token of the {@link RedisCache} with this name.
 *
 * @publicApi
 */
export function getCacheToken(name: string = DEFAULT_CACHE): string {
  return name === DEFAULT_CACHE ? 'RedisCache' : `${name}_RedisCache`;
}

/**
 * Injection token of what runs the decorated methods of an application; one per application, whatever the number of
 * caches.
 *
 * @internal
 */
export function getCallPlannerToken(): string {
  return 'RedisCacheCallPlanner';
}
