import { isCacheError } from '../shared/errors.js';
import type { EntryCall } from './entry-call.js';

/**
 * Whether a load that failed says that the source is out of order, so that a stale value may stand in for its answer:
 * by `staleIf`, else unless the error is an HTTP status of 400 to 499, by which the source did answer (a 404 of a row
 * that is gone).
 */
export function isOutOfOrder(error: unknown, { policy, region }: Pick<EntryCall, 'policy' | 'region'>): boolean {
  if (policy.staleIf === null) return !isAnswer(error);
  try {
    return policy.staleIf(error);
  } catch (failure) {
    if (isCacheError(failure)) region.warnOnce(`${policy.where} staleIf`, failure.message);
    return false;
  }
}

function isAnswer(error: unknown): boolean {
  try {
    const { status, statusCode, getStatus } = error as { status?: unknown; statusCode?: unknown; getStatus?: unknown };
    const code = typeof getStatus === 'function' ? (getStatus.call(error) as unknown) : (status ?? statusCode);
    return typeof code === 'number' && code >= 400 && code < 500;
  } catch {
    // anything can be thrown, also what cannot be looked at
    return false;
  }
}
