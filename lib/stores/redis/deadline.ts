/**
 * Rejects when there is no answer in time. For what is no command of a connection; those have their {@link
 * AnswerDeadlines}. Does not keep the process alive.
 */
export function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    // timers run before the sockets are read, immediates after
    const giveUp = () => reject(new Error(`No answer within ${timeoutMs} ms`));
    const deadline = setTimeout(() => setImmediate(giveUp), timeoutMs).unref();
    promise.then(resolve, reject).finally(() => clearTimeout(deadline));
  });
}
