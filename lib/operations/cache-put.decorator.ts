import { refuseBare } from './decorator-target.js';
import { declareOperation } from './declare-operation.js';
import type { AsyncMethod, DecoratorOf, DecoratorOptions, MethodIn } from './method-types.js';
import type { CachePutOptions } from './operation-options.js';

/**
 * Write-through: runs the method (the write to the source), then puts its result under `key`. Fenced, so that the cache
 * is never older than an acknowledged write; with `version`, in a region without tags, the highest version wins in one
 * round trip.
 *
 * @throws CacheError when the class is read: RC_INVALID_OPTION, RC_KEY_TEMPLATE, RC_DECORATOR_TARGET
 * @publicApi
 */
export function CachePut<Named extends AsyncMethod | CachePutOptions = CachePutOptions>(
  options: DecoratorOptions<
    Named,
    CachePutOptions<Parameters<MethodIn<Named>>, Awaited<ReturnType<MethodIn<Named>>>>,
    CachePutOptions
  >,
): DecoratorOf<Named>;
export function CachePut(options: CachePutOptions, ...beside: unknown[]): unknown {
  refuseBare('CachePut', [options, ...beside]);
  return declareOperation('CachePut', options ?? {}, (checked, { recipe }) => ({
    kind: 'put',
    options: checked,
    key: recipe(checked.key),
  }));
}
