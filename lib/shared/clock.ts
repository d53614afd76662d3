/** A running timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time and timers, injected so that tests own both.
 *
 * `now()` is **monotonic** local milliseconds with a fraction. Time during which the machine stood still (a suspended
 * host, a paused VM, a frozen function) counts. It is never compared with the clock of another host, and a wall clock
 * that is set back does not move it.
 */
export interface Clock {
  now(): number;
  /** Calls `action` once, `delayMs` from now. The timer never keeps the process alive. */
  after(delayMs: number, action: () => void): Timer;
}

/** A lead of the wall clock below this is no lead: it counts whole milliseconds. */
const LEAST_LEAD_MS = 2;

/** So long by the monotonic clock the wall clock is not looked at again: a look costs half a hit in L1. */
const LOOK_EVERY_MS = 1;

/**
 * Time since any moment, from two clocks of which the larger elapsed time counts (R22).
 *
 * The monotonic clock of most systems stands still while the machine does, and says that a proof of long ago is a
 * second old; the wall clock tells, at the latest 1 ms of running time after. One that is set ahead makes things older
 * than they are, which costs a look at Redis; one that is set back costs nothing.
 *
 * The monotonic clock is read each time: it goes on while the process is frozen, and while no turn of its event loop
 * ends. One that is behind where it was is another, as fake timers put in its place: time goes on from there.
 *
 * @param monotonic ms with a fraction
 * @param wall ms since the epoch, whole
 */
export function largerElapsed(monotonic: () => number, wall: () => number): () => number {
  let lookedAtMs = monotonic();
  let leadMs = wall() - lookedAtMs;
  let stoodStillMs = 0;
  const look = (nowMs: number) => {
    if (nowMs < lookedAtMs) {
      stoodStillMs += lookedAtMs - nowMs;
      leadMs += lookedAtMs - nowMs;
    }
    lookedAtMs = nowMs;
    const gainedMs = wall() - nowMs - leadMs;
    if (gainedMs > LEAST_LEAD_MS) {
      stoodStillMs += gainedMs;
      leadMs += gainedMs;
    } else if (gainedMs < 0) leadMs += gainedMs;
  };
  return () => {
    const nowMs = monotonic();
    const sinceMs = nowMs - lookedAtMs;
    if (sinceMs >= LOOK_EVERY_MS || sinceMs < 0) look(nowMs);
    return nowMs + stoodStillMs;
  };
}

export const systemClock: Clock = {
  now: largerElapsed(
    () => performance.now(),
    () => Date.now(),
  ),
  after(delayMs, action) {
    const handle = setTimeout(action, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Keeps the process alive until the returned function is called: for work that waits for nothing but timers of a {@link
 * Clock}, which keep nothing alive, and must end all the same.
 */
export function keepAlive(): () => void {
  const handle = setInterval(() => {}, A_LONG_TIME_MS);
  return () => clearInterval(handle);
}

const A_LONG_TIME_MS = 2 ** 30;
