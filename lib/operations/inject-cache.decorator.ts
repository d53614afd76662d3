import { Inject } from '@nestjs/common';
import { getCacheToken } from '../shared/tokens.js';

/**
 * Injects the {@link RedisCache} of this name: `constructor(@InjectCache('sessions') private readonly sessions:
 * RedisCache) {}`.
 *
 * @publicApi
 */
export function InjectCache(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getCacheToken(name));
}
