import type { WorkerState } from './messages.js';

/** Makes this process's wall clock wrong by `state.clockShiftMs`, at once and at any time. */
export function shiftWallClock(state: WorkerState): void {
  const RealDate = Date;
  const now = () => RealDate.now() + state.clockShiftMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    get: (target, property, receiver) => (property === 'now' ? now : Reflect.get(target, property, receiver)),
  });
}

let stoodStillMs = 0;

/**
 * What a suspended machine does to its process: nothing runs for so long, and the monotonic clock does not know of it.
 */
export function suspend(ms: number): void {
  const before = performance.now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  stoodStillMs += performance.now() - before;
  // the promise leaves it 1 ms of running time to notice
  const awakeAt = performance.now();
  while (performance.now() - awakeAt < 1);
}

const now = performance.now.bind(performance);
performance.now = () => now() - stoodStillMs;
