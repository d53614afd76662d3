import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { RedisCache } from '../cache/redis-cache.js';
import { CacheError } from '../shared/errors.js';
import { DEFAULT_CACHE, getCacheToken } from '../shared/tokens.js';

/** The caches of one application, by name. */
@Injectable()
export class CacheRegistry {
  private readonly names = new Set<string>();

  constructor(private readonly moduleRef: ModuleRef) {}

  /** @throws CacheError RC_DUPLICATE_CACHE when a cache of this name was registered before */
  register(name: string): void {
    if (this.names.has(name)) {
      throw new CacheError(
        'RC_DUPLICATE_CACHE',
        `RedisCacheModule was imported twice with the name "${name}". Import it once, in the root module: it is global. Give a second cache a name of its own.`,
      );
    }
    this.names.add(name);
  }

  /**
   * Looked up in the container, so that a provider overridden in a test is found.
   *
   * @param where what needs the cache, for the message
   * @throws CacheError RC_MODULE_MISSING
   */
  find(name: string, where: string): RedisCache {
    try {
      return this.moduleRef.get<RedisCache>(getCacheToken(name), { strict: false });
    } catch (cause) {
      const known = [...this.names].map((one) => `"${one}"`).join(', ') || 'none';
      const argument = name === DEFAULT_CACHE ? `{ service: '…' }` : `{ name: '${name}', service: '…' }`;
      throw new CacheError(
        'RC_MODULE_MISSING',
        `${where} uses the cache "${name}", which this application has not (it has: ${known}). Import RedisCacheModule.forRoot(${argument}), or name another cache.`,
        { cause },
      );
    }
  }
}
