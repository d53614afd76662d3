import 'reflect-metadata';
import { type KeyRecipe, recipeOfArguments, recipeOfFunction } from '../keys/key-recipe.js';
import { parseKeyTemplate } from '../keys/key-template.js';
import { parametersOf } from '../keys/parameter-names.js';
import type { CacheOperation } from './cache-operation.js';
import type { CachedMethod } from './cached-method.js';
import { checkOperation, type DecoratorName } from './check-operation.js';
import { checkTarget } from './decorator-target.js';
import { acceptHost } from './host-binding.js';
import { originalOf, wrapMethod, wrappedMethodOf } from './method-wrapper.js';
import { declaredMethodsOf, recordMethod } from './operation-metadata.js';
import type { KeyOption } from './operation-options.js';

/** What an operation's making is told of its method. */
export interface Place {
  readonly where: string;
  /** Reads a key option. */
  recipe(key: KeyOption): KeyRecipe;
}

type LegacyDecorator = (target: object, name: string | symbol, descriptor: PropertyDescriptor) => void;

/**
 * The decorator that adds an operation to a method. The first of ours on a method wraps it, the later ones only add
 * their operation; where a wrapper of somebody else's lies between, it is wrapped again.
 */
export function declareOperation<Options extends object>(
  decorator: DecoratorName,
  options: Options,
  make: (options: Readonly<Options>, place: Place) => CacheOperation,
): LegacyDecorator {
  return (target, name, descriptor) => {
    const { method, where } = checkTarget(decorator, target, name, descriptor);
    checkOperation(decorator, options, where);
    const place: Place = {
      where,
      recipe: (key) =>
        typeof key === 'string'
          ? recipeOfArguments(parseKeyTemplate(key, parametersOf(originalOf(method)), where))
          : recipeOfFunction(key, where),
    };
    const operation = make(Object.freeze({ ...options }), place);

    const known = wrappedMethodOf(method);
    if (known?.prototype === target && known.name === name) {
      (known.operations as CacheOperation[]).unshift(operation);
      return;
    }
    acceptHost(target);
    const cached: CachedMethod = {
      name,
      prototype: target,
      keyName: keyNameOf(target, name),
      where,
      original: method,
      operations: [operation],
      slot: Symbol(where),
    };
    recordMethod(cached);
    descriptor.value = wrapMethod(cached);
  };
}

/** Two symbols may have one description, so a symbol's place among the class's symbol methods is part of its name. */
function keyNameOf(prototype: object, name: string | symbol): string {
  if (typeof name === 'string') return name;
  const symbols = new Set(
    declaredMethodsOf(prototype).flatMap((method) => (typeof method.name === 'symbol' ? [method.name] : [])),
  );
  const index = symbols.has(name) ? [...symbols].indexOf(name) : symbols.size;
  return `@${name.description ?? ''}#${index}`;
}
