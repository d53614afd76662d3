import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../lib/shared/clock.js';

/** What `storage` holds at each timer that is set from now on: a timer keeps it for as long as it stands. */
export function storesOfTimers(clock: Clock, storage: AsyncLocalStorage<unknown>): readonly unknown[] {
  const stores: unknown[] = [];
  const after = clock.after.bind(clock);
  clock.after = (delayMs, action) => {
    stores.push(storage.getStore());
    return after(delayMs, action);
  };
  return stores;
}
