import { CacheError, classOf, isCacheError } from '../shared/errors.js';
import { formatPath } from './path.js';
import { MAX_DEPTH } from './plain-data.js';

/** Where in a value a codec is, and the errors that name it. */
export class ValuePath {
  readonly steps: (string | number)[] = [];
  /** The objects that lead there, and the one that is visited. */
  readonly ancestors: object[] = [];

  get isTooDeep(): boolean {
    return this.ancestors.length >= MAX_DEPTH;
  }

  /** @throws CacheError RC_ENCODE_FAILED */
  refuse(what: string, cure: string): never {
    throw new CacheError('RC_ENCODE_FAILED', `The value cannot be cached: ${formatPath(this.steps)} ${what}. ${cure}`);
  }

  /** Too deep, and usually a cycle: then the path of its closing is named. */
  refuseDepth(): never {
    const closing = this.ancestors.findIndex((ancestor, i) => this.ancestors.indexOf(ancestor) < i);
    if (closing < 0) {
      this.steps.length = Math.min(this.steps.length, 3);
      return this.refuse(`is nested more than ${MAX_DEPTH} levels deep`, 'Return a flatter value.');
    }
    this.steps.length = closing;
    return this.refuse('contains itself (a cycle)', 'Return ids instead of references to parents.');
  }

  /** What a getter or `toJSON` of the value threw here. Its text may quote the value. */
  failureOf(cause: unknown): CacheError {
    if (isCacheError(cause)) return cause;
    const what = `reading ${formatPath(this.steps)} failed (${classOf(cause)})`;
    return new CacheError('RC_ENCODE_FAILED', `The value cannot be cached: ${what}.`, { cause });
  }
}
