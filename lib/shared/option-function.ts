import { CacheError, describeThrown } from './errors.js';

/**
 * The error of an option function that threw: it names the function and the method, and has what was thrown as its
 * cause. An error of this library is handed on as it is.
 *
 * @param when before the method: nothing ran yet; after it: its work is done
 */
export function optionFailure(option: string, where: string, when: 'before' | 'after', cause: unknown): CacheError {
  if (cause instanceof CacheError) return cause;
  const [moment, given] =
    when === 'before' ? ['before the method ran', '...args'] : ['after the method had run', 'result, ...args'];
  return new CacheError(
    'RC_OPTION_FUNCTION',
    `The function '${option}' of ${where} failed ${moment}: ${describeThrown(cause)}. Make it total: it gets (${given}).`,
    { cause },
  );
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** True for a promise, which no option function may return. Nobody will wait for it, so its failure is handled here. */
export function dropPromise(value: unknown): boolean {
  if (!isPromiseLike(value)) return false;
  value.then(undefined, () => undefined);
  return true;
}
