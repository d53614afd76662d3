import { refuseBare } from './decorator-target.js';
import { declareOperation } from './declare-operation.js';
import type { AsyncMethod, DecoratorOf, DecoratorOptions, MethodIn } from './method-types.js';
import type { CacheableOptions } from './operation-options.js';

/**
 * Serves the method's result from the cache; calls the method only on a miss, once for all who ask meanwhile.
 *
 * The option functions are checked against the method. Where their parameters are to be inferred, name the method:
 * `@Cacheable<UsersService['findOne']>({ key: (id) => id })`.
 *
 * @throws CacheError when the class is read: RC_INVALID_OPTION, RC_KEY_TEMPLATE, RC_DECORATOR_TARGET
 * @publicApi
 */
export function Cacheable<Named extends AsyncMethod | CacheableOptions = CacheableOptions>(
  options?: DecoratorOptions<
    Named,
    CacheableOptions<Parameters<MethodIn<Named>>, Awaited<ReturnType<MethodIn<Named>>>>,
    CacheableOptions
  >,
): DecoratorOf<Named>;
export function Cacheable(options: CacheableOptions = {}, ...beside: unknown[]): unknown {
  refuseBare('Cacheable', [options, ...beside]);
  return declareOperation('Cacheable', options, (checked, { recipe }) => ({
    kind: 'cacheable',
    options: checked,
    key: checked.key === undefined ? null : recipe(checked.key),
  }));
}
