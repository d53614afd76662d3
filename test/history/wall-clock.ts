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
