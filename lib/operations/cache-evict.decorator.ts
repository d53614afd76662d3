import { identifierOf } from '../keys/key-segment.js';
import { CacheError, describeValue } from '../shared/errors.js';
import { dropPromise, optionFailure } from '../shared/option-function.js';
import type { EvictOperation } from './cache-operation.js';
import { refuseBare } from './decorator-target.js';
import { declareOperation, type Place } from './declare-operation.js';
import type { AsyncMethod, DecoratorOf, DecoratorOptions, MethodIn } from './method-types.js';
import type { CacheEvictOptions } from './operation-options.js';

/**
 * Evicts after the method returned (not when it threw), or before it, or both by `strict`. The call resolves when the
 * eviction was acknowledged, or queued because Redis is away.
 *
 * @throws CacheError when the class is read: RC_INVALID_OPTION, RC_KEY_TEMPLATE, RC_DECORATOR_TARGET
 * @publicApi
 */
export function CacheEvict<Named extends AsyncMethod | CacheEvictOptions = CacheEvictOptions>(
  options: DecoratorOptions<
    Named,
    CacheEvictOptions<Parameters<MethodIn<Named>>, Awaited<ReturnType<MethodIn<Named>>>>,
    CacheEvictOptions
  >,
): DecoratorOf<Named>;
export function CacheEvict(options: CacheEvictOptions, ...beside: unknown[]): unknown {
  refuseBare('CacheEvict', [options, ...beside]);
  return declareOperation('CacheEvict', options ?? {}, (checked, place) => ({
    kind: 'evict',
    options: checked,
    identifyAll: identifyAll(checked, place),
  }));
}

function identifyAll(
  { key, keys }: Readonly<CacheEvictOptions>,
  { where, recipe }: Place,
): EvictOperation['identifyAll'] {
  if (key === undefined && keys === undefined) return null;
  const one = key === undefined ? null : recipe(key);
  return (args, instance) => [
    ...(one ? [one.identify(one.decide(args, instance))] : []),
    ...(keys ? listOf(keys, args, instance, where).map((value) => identifierOf(value, where)) : []),
  ];
}

function listOf(
  keys: NonNullable<CacheEvictOptions['keys']>,
  args: readonly unknown[],
  instance: unknown,
  where: string,
): readonly unknown[] {
  let list: unknown;
  try {
    list = keys.apply(instance, args as unknown[]);
  } catch (cause) {
    throw optionFailure('keys', where, 'before', cause);
  }
  if (!Array.isArray(list)) {
    const got = dropPromise(list) ? 'a promise' : describeValue(list);
    throw new CacheError(
      'RC_INVALID_KEY',
      `The function 'keys' of ${where} must return an array of keys, and no promise; got ${got}. Return [] where there is nothing to evict.`,
    );
  }
  for (const value of list) dropPromise(value);
  return list;
}
