import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { type Observable, tap } from 'rxjs';
import { type RequestTrace, runTraced } from './request-trace.js';

/**
 * Says in the headers where an answer came from and how long it took:
 *
 * - `X-Cache`, on reads: `miss` when this request asked the database; `joined` when another request had begun to; `l1`
 * when the
 *   process's own memory answered; `l2`: Redis, or the embedded store in its place; `stale`: either, past its ttl
 * - `Server-Timing`: `total` is the time in the application, `db` the part in which it waited for the database, ms
 */
@Injectable()
export class AnswerHeadersInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const isRead = http.getRequest<IncomingMessage>().method === 'GET';
    const response = http.getResponse<ServerResponse>();
    const trace: RequestTrace = { queryCount: 0, queryMs: 0, read: null };
    const startedAt = performance.now();
    const writeHeaders = (error?: unknown) => {
      // what was refused as bad input was asked of nobody
      if (isRead && !(error instanceof BadRequestException)) {
        response.setHeader('X-Cache', answerOf(trace));
      }
      const totalMs = performance.now() - startedAt;
      response.setHeader('Server-Timing', `total;dur=${totalMs.toFixed(2)}, db;dur=${trace.queryMs.toFixed(2)}`);
    };
    return runTraced(trace, () => next.handle()).pipe(tap({ next: () => writeHeaders(), error: writeHeaders }));
  }
}

function answerOf({ queryCount, read }: RequestTrace): string {
  if (queryCount > 0 || read === null) return 'miss';
  return read.source === 'load' ? 'joined' : read.source;
}
