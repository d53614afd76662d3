import { Cluster, Redis } from 'ioredis';
import type { WorkerState } from './messages.js';
import { Random } from './random.js';

/**
 * Loses and delays pub/sub messages on their way to this process, as `state` says at that moment. Those that arrive
 * keep their order.
 *
 * It stands between the connection and its listeners, where a broken network would.
 */
export function faultMessages(state: WorkerState, seed: number): void {
  const random = new Random(seed);
  for (const { prototype } of [Redis, Cluster]) {
    const emit = prototype.emit as (...args: unknown[]) => boolean;
    let lastAt = 0;
    const faulty = function (this: Redis | Cluster, ...args: unknown[]): boolean {
      if (args[0] !== 'message' && args[0] !== 'smessage') return emit.apply(this, args);
      if (state.dropShare > 0 && random.chance(state.dropShare)) return true;
      const now = performance.now();
      const at = Math.max(lastAt, now + state.messageDelayMs * random.next());
      if (at <= now) return emit.apply(this, args);
      lastAt = at;
      setTimeout(() => emit.apply(this, args), at - now);
      return true;
    };
    Object.defineProperty(prototype, 'emit', { value: faulty, configurable: true, writable: true });
  }
}
