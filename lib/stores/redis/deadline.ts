export type Deadline = NodeJS.Timeout;

/**
 * Calls `onLate` when `timeoutMs` are over; `clearTimeout` ends it. An answer that arrived while the event loop was busy counts: what lies
 * in the sockets is read first. Does not keep the process alive.
 */
export function startDeadline(timeoutMs: number, onLate: (reason: Error) => void): Deadline {
  // timers run before the sockets are read, immediates after
  const giveUp = () => onLate(new Error(`No answer within ${timeoutMs} ms`));
  return setTimeout(() => setImmediate(giveUp), timeoutMs).unref();
}

/** Rejects when there is no answer in time. */
export function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const deadline = startDeadline(timeoutMs, reject);
    promise.then(
      (value) => {
        clearTimeout(deadline);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(deadline);
        reject(error as Error);
      },
    );
  });
}
