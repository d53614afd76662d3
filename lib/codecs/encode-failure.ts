import { CacheError, isCacheError } from '../shared/errors.js';

/** The error of a failed encode as RC_ENCODE_FAILED; what a getter or `toJSON` of the value threw is the cause. */
export function encodeFailure(error: unknown): CacheError {
  if (isCacheError(error)) return error;
  return error instanceof RangeError
    ? new CacheError('RC_ENCODE_FAILED', 'The value cannot be cached: it is nested too deeply or too large.', {
        cause: error,
      })
    : new CacheError('RC_ENCODE_FAILED', 'The value cannot be cached: reading it failed.', { cause: error });
}
