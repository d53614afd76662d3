import { identifierOf } from '../keys/key-segment.js';
import { declareOperation, type Place } from './declare-operation.js';
import type { AsyncMethod, CachedMethodDecorator, MethodDecoratorFor, NoOthers } from './method-types.js';
import type { CacheEvictOptions } from './operation-options.js';

/**
 * Evicts after the method returned (not when it threw), or before it, or both by `strict`. The call resolves when the eviction was acknowledged, or
 * queued because Redis is away.
 *
 * @throws CacheError when the class is read: RC_INVALID_OPTION, RC_KEY_TEMPLATE, RC_DECORATOR_TARGET
 * @publicApi
 */
export function CacheEvict<Method extends AsyncMethod = never>(
  options: [Method] extends [never] ? never : CacheEvictOptions<Parameters<Method>, Awaited<ReturnType<Method>>>,
): MethodDecoratorFor<Method>;
export function CacheEvict<Options extends CacheEvictOptions>(
  options: NoOthers<Options, CacheEvictOptions>,
): CachedMethodDecorator<Options>;
export function CacheEvict(options: CacheEvictOptions): unknown {
  return declareOperation('CacheEvict', options ?? {}, (checked, place) => ({
    kind: 'evict',
    options: checked,
    identifyAll: identifyAll(checked, place),
  }));
}

function identifyAll(
  { key, keys }: Readonly<CacheEvictOptions>,
  { where, recipe }: Place,
): ((args: readonly unknown[]) => readonly string[]) | null {
  if (key === undefined && keys === undefined) return null;
  const one = key === undefined ? null : recipe(key);
  return (args) => [
    ...(one ? [one.identify(one.decide(args))] : []),
    ...(keys ? keys(...(args as unknown[])).map((value) => identifierOf(value, where)) : []),
  ];
}
