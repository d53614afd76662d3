import { SetMetadata } from '@nestjs/common';
import { checkShape } from '../options/check-shape.js';
import { httpSchemas } from '../options/http-schema.js';
import { checkName } from '../options/names.js';
import { classNameOf } from '../shared/class-name.js';
import { CacheError } from '../shared/errors.js';
import type { HttpCacheEvictOptions, HttpCacheOptions } from './http-cache-options.js';

export const HTTP_CACHE = Symbol('nestjs-redis-cache:http-cache');
export const HTTP_CACHE_EVICT = Symbol('nestjs-redis-cache:http-cache-evict');

/**
 * Caches the responses of a handler, or of all GET handlers of a class, where `RedisCacheInterceptor` stands.
 *
 * @throws CacheError when the class is read: RC_INVALID_OPTION
 * @publicApi
 */
export function HttpCache(options: HttpCacheOptions = {}): MethodDecorator & ClassDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const where = placeOf(target, name);
    checkOptions('HttpCache', options, where);
    checkCache(options, where);
    SetMetadata(HTTP_CACHE, Object.freeze({ ...options }))(target as never, name as never, descriptor as never);
  };
}

/**
 * Ends cached responses when the handler has succeeded: those of the request's URI, and all with these tags. The client
 * gets its answer when the eviction was acknowledged, or queued because Redis is away.
 *
 * @throws CacheError when the class is read: RC_INVALID_OPTION
 * @publicApi
 */
export function HttpCacheEvict(options: HttpCacheEvictOptions = {}): MethodDecorator {
  return (target, name, descriptor) => {
    checkOptions('HttpCacheEvict', options, placeOf(target, name));
    SetMetadata(HTTP_CACHE_EVICT, Object.freeze({ ...options }))(target, name, descriptor);
  };
}

function checkOptions(
  decorator: keyof typeof httpSchemas,
  options: HttpCacheOptions | HttpCacheEvictOptions,
  where: string,
) {
  const schema = httpSchemas[decorator];
  checkShape(schema, options, {
    root: `The argument of @${decorator} on ${where}`,
    prefix: `@${decorator} on ${where}: `,
    namesAt: () => Object.keys(schema.entries),
  });
  if (options.cache !== undefined) checkName(`@${decorator} on ${where}: cache`, options.cache);
}

function checkCache({ region, scope, principal, key, query, sharedTtl }: HttpCacheOptions, where: string): void {
  const fail = (what: string) => new CacheError('RC_INVALID_OPTION', `@HttpCache on ${where} ${what}`);
  if (region !== undefined) checkName(`@HttpCache on ${where}: region`, region);
  if (scope === 'public' && principal !== undefined) {
    throw fail(
      `is public and has a principal: everybody shares the entries of a public response. Leave one of them out.`,
    );
  }
  if (key !== undefined && query !== undefined) {
    throw fail(`has a key and a query: the key stands in the place of the query. Leave one of them out.`);
  }
  if (sharedTtl !== undefined && scope !== 'public') {
    throw fail(
      `has a sharedTtl, and is not public: proxies must not keep it. Say scope: 'public', or leave sharedTtl out.`,
    );
  }
}

function placeOf(target: object, name?: string | symbol): string {
  const owner = (typeof target === 'function' ? target : target.constructor) as { readonly name: unknown };
  return name === undefined ? classNameOf(owner) : `${classNameOf(owner)}.${String(name)}`;
}
