import { Injectable } from '@nestjs/common';
import { InjectCache, RedisCache } from 'nestjs-redis-cache';
import { currentTrace } from './request-trace.js';

/** Tells answers from the process's own memory from those of Redis, for the header that the demonstration shows. */
@Injectable()
export class L1Watch {
  constructor(@InjectCache() private readonly cache: RedisCache) {}

  /** A hit in L1 is counted before the cached method returns its promise, so no other request can come between the two looks. */
  watch<T>(read: () => Promise<T>): Promise<T> {
    const before = this.hits();
    const answer = read();
    const trace = currentTrace();
    if (trace) trace.isFromL1 = this.hits() > before;
    return answer;
  }

  private hits(): number {
    return Object.values(this.cache.status().regions).reduce((sum, { hitsL1 }) => sum + hitsL1, 0);
  }
}
