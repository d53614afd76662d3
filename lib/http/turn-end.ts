// not the global one, which tests with fake timers replace
import { setImmediate } from 'node:timers';

let end: Promise<void> | null = null;

/**
 * Resolves at the end of this turn of the event loop: one promise for all who ask within it.
 *
 * What the hits of a turn have left to do, Nest's and the adapter's part above all, is done there in one go: the
 * processor has code and data of it at hand from one to the next. Done one by one, between reading a socket, parsing,
 * routing and writing, it is a third dearer. A process that has nothing else to do ends its turn at once.
 */
export function turnEnd(): Promise<void> {
  return (end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = null;
      resolve();
    });
  }));
}
