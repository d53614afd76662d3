import type { KeyRecipe } from '../keys/key-recipe.js';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions } from './operation-options.js';

/**
 * What one decorator declares of one method, as data. Keys are functions already: a template was parsed when the
 * decorator was read.
 */
export type CacheOperation = CacheableOperation | PutOperation | EvictOperation;

export interface CacheableOperation {
  readonly kind: 'cacheable';
  readonly options: Readonly<CacheableOptions>;
  /** Null: the default key. */
  readonly key: KeyRecipe | null;
}

export interface PutOperation {
  readonly kind: 'put';
  readonly options: Readonly<CachePutOptions>;
  readonly key: KeyRecipe;
}

export interface EvictOperation {
  readonly kind: 'evict';
  readonly options: Readonly<CacheEvictOptions>;
  /** Identifiers of `key` and `keys` together; null: by tags or the whole region only. */
  readonly identifyAll: ((args: readonly unknown[], instance?: unknown) => readonly string[]) | null;
}
