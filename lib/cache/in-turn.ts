import { deferred, type Deferred } from '../shared/deferred.js';
import type { CacheError } from '../shared/errors.js';
import { isSilence } from './faults.js';

type Failures = ReadonlyMap<number, CacheError>;

/** Pieces of work at once. */
const MAX_AT_ONCE = 64;

interface Waiting {
  readonly buckets: readonly number[];
  readonly turn: Deferred<Failures | null>;
}

/**
 * Lets work over several buckets go on some at a time, the others in line. When a bucket does not answer, what waits
 * for it fails with it: nobody waits for a timeout after the other. Any other failure is that of its own work alone.
 */
export class InTurn {
  private running = 0;
  private waiting: Waiting[] = [];

  /** @param work never rejects; returns which buckets failed, and why */
  async run(buckets: readonly number[], work: () => Promise<Failures>): Promise<Failures> {
    if (this.running >= MAX_AT_ONCE) {
      const turn = deferred<Failures | null>();
      this.waiting.push({ buckets, turn });
      const failed = await turn.promise;
      if (failed !== null) return failed;
    } else this.running += 1;
    const failures = await work();
    if (failures.size > 0) this.fail(failures);
    const next = this.waiting.shift();
    // the turn is handed on
    if (next) next.turn.resolve(null);
    else this.running -= 1;
    return failures;
  }

  private fail(failures: Failures): void {
    const away = new Map([...failures].filter(([, error]) => isSilence(error)));
    this.waiting = this.waiting.filter(({ buckets, turn }) => {
      const own = new Map([...away].filter(([bucket]) => buckets.includes(bucket)));
      if (own.size > 0) turn.resolve(own);
      return own.size === 0;
    });
  }
}
