import { HttpException } from '@nestjs/common';
import { lastValueFrom, tap } from 'rxjs';
import type { LoadContext } from '../cache/load-context.js';
import { NOT_SHARED } from './cached-response.js';
import { before, collectResponse } from './collect-response.js';
import type { ResponseKeeping } from './response-keeping.js';
import type { RouteRead } from './route-read.js';
import type { Visit } from './visit.js';

/** The load of a cached route: runs the handler of the very request, and makes of its response what is kept. */
export class HandlerRun {
  constructor(private readonly keeping: ResponseKeeping) {}

  /** @param own gets what is not shared, and why */
  async load(visit: Visit, own: RouteRead, context: LoadContext): Promise<unknown> {
    // the response that varies is asked for after it: there may be one
    if (own.unmade !== null) throw own.unmade.error;
    const { isRefresh } = context;
    const { exchange, next } = visit;
    const since = before(exchange);
    // the stale response is on its way by the same fields
    if (isRefresh) await exchange.ended();
    if (!isRefresh) own.run = context;
    const requestMs = Date.now();
    let count = 0;
    let value: unknown;
    try {
      value = await lastValueFrom(next.handle().pipe(tap(() => (count += 1))));
    } catch (error) {
      if (isShared(error)) {
        own.failure = { error };
        throw error;
      }
      return keepBack(own, { error }, 'error');
    }
    const collected = count > 1 ? null : collectResponse(exchange, value, since, visit.answer, isRefresh);
    if (collected === null) return keepBack(own, { value }, count > 1 ? 'several' : 'body');
    const isSent = exchange.isSent && !isRefresh;
    const kept = isSent ? 'sent' : this.keeping.keep(visit, collected, value, requestMs, since.fields);
    return typeof kept === 'string' ? keepBack(own, { value }, kept) : kept;
  }
}

/**
 * Whether those who wait for the handler share what it threw. A refusal may be meant for one of them alone. It is an
 * answer, too: only what a server could not do is made up for by a stale response (RFC 5861, section 4).
 */
function isShared(error: unknown): boolean {
  return !(error instanceof HttpException) || error.getStatus() >= 500;
}

function keepBack(own: RouteRead, result: RouteRead['result'], why: string): unknown {
  own.result = result;
  own.why = why;
  return NOT_SHARED;
}
