/** A running timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time and timers, injected so that tests own both.
 *
 * `now()` is **monotonic** local milliseconds with a fraction; it is never compared with the clock of another host,
 * and a step of the wall clock does not move it.
 */
export interface Clock {
  now(): number;
  /** Calls `action` once, `delayMs` from now. The timer never keeps the process alive. */
  after(delayMs: number, action: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, action) {
    const handle = setTimeout(action, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
