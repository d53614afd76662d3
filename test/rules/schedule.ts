import type { Scene } from './scene.js';

/**
 * One order of events, by gates in store, channel and clock, in which one rule alone decides whether a promise is kept:
 * it is kept on the code as it stands, and broken every time on a build without the rule.
 */
export interface Schedule {
  /** Names of the mutants that it convicts (test/history/mutants/client-mutants.ts). */
  readonly convicts: readonly string[];
  /** What happens, as a sentence about the code with all its rules. */
  readonly name: string;
  /** @throws BrokenPromise */
  run(scene: Scene): Promise<void>;
}

/**
 * A promise was broken: the value that the caller got, and why it must not have. Any other error means that the
 * schedule does not fit the code.
 */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

/** @throws BrokenPromise when a caller got a version from before one that it was promised */
export function promised(least: number, got: number, promise: string): void {
  if (got < least) throw new BrokenPromise(`${promise}: got version ${got}, promised was ${least}`);
}
