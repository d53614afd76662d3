/**
 * Whose a load's rejection is.
 *
 * - `everyones`: the source failed, for whoever asks
 * - `callers`: an AbortSignal among the arguments of the call is aborted: that caller gave up, and the others did not
 * - `perhaps-callers`: an AbortError, with no such signal in sight; a loader that closes over one looks like this, and
 * so does a
 *   source with a time limit of its own
 */
export type RejectionOwner = 'everyones' | 'callers' | 'perhaps-callers';

export function ownerOfRejection(error: unknown, args: readonly unknown[]): RejectionOwner {
  if (args.some(isAborted)) return 'callers';
  return isAbortError(error) ? 'perhaps-callers' : 'everyones';
}

function isAborted(arg: unknown): boolean {
  if (typeof arg !== 'object' || arg === null) return false;
  if (arg instanceof AbortSignal) return arg.aborted;
  const signal = Object.getOwnPropertyDescriptor(arg, 'signal')?.value as unknown;
  return signal instanceof AbortSignal && signal.aborted;
}

function isAbortError(error: unknown): boolean {
  try {
    const { name, code } = error as { name?: unknown; code?: unknown };
    return name === 'AbortError' || code === 'ABORT_ERR';
  } catch {
    // anything can be thrown, also what cannot be looked at
    return false;
  }
}
