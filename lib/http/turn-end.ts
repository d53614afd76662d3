import { setImmediate } from 'node:timers';

/** As it is now: tests with fake timers replace it later. */
const atTurnEnd = setImmediate;

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
    atTurnEnd(() => {
      end = null;
      resolve();
    });
  }));
}
