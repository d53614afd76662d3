import { optionFailure } from '../shared/option-function.js';
import { identifierOf } from './key-segment.js';
import type { IdentifierOf } from './key-template.js';

/**
 * How the identifier of a call is made, in two steps, so that the second, which is the dearer one, can be remembered.
 */
export interface KeyRecipe {
  /**
   * What decides the key, of a call on an instance. Equal strings, equal numbers, and arrays of two of these, make
   * equal keys; anything else is not to be compared.
   *
   * @throws CacheError RC_OPTION_FUNCTION
   */
  decide(args: readonly unknown[], instance?: unknown): unknown;
  /** @throws CacheError RC_INVALID_KEY */
  identify(decided: unknown): string;
}

/**
 * Of a key function, which may depend on more than its arguments (the tenant of its `this`, say): it is called each
 * time.
 */
export function recipeOfFunction(key: (...args: unknown[]) => unknown, where: string): KeyRecipe {
  return {
    decide(args, instance) {
      try {
        return key.apply(instance, args as unknown[]);
      } catch (cause) {
        throw optionFailure('key', where, 'before', cause);
      }
    },
    identify: (value) => identifierOf(value, where),
  };
}

/** Of templates and default keys, which depend on the arguments alone: a single string or number decides by itself. */
export function recipeOfArguments(identify: IdentifierOf): KeyRecipe {
  return {
    decide: (args) => (args.length === 1 && isScalar(args[0]) ? args[0] : args),
    identify: (decided) => identify(isScalar(decided) ? [decided] : (decided as readonly unknown[])),
  };
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'number' || typeof value === 'string';
}
