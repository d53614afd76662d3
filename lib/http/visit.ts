import type { CallHandler, ExecutionContext } from '@nestjs/common';
import type { Exchange } from './exchange.js';

/**
 * A request on its way through a cached route. Of a class, as all that holds a request while handlers run: V8 takes
 * literals that live so long for old, and keeps them.
 */
export class Visit {
  constructor(
    readonly exchange: Exchange,
    readonly context: ExecutionContext,
    readonly next: CallHandler,
    readonly answer: 'bytes' | 'value',
  ) {}
}
