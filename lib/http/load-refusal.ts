import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { isCacheError } from '../shared/errors.js';
import type { Exchange } from './exchange.js';

/**
 * A load that the cache itself has refused, or given up: there were too many, or it took too long. Else the error as it
 * is.
 */
export function refusalOf(error: unknown, exchange: Exchange): unknown {
  const { statusCode, retryAfterMs } = error as { statusCode?: unknown; retryAfterMs?: unknown };
  if (!isCacheError(error) || typeof statusCode !== 'number') return error;
  if (typeof retryAfterMs === 'number') {
    exchange.setHeader('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))));
  }
  return new HttpException(STATUS_CODES[statusCode] ?? 'Error', statusCode, { cause: error });
}
