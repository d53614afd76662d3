import type { BucketView } from './bucket-view.js';

/** How long a bucket is polled after it was last used, ms: so long its L1 serves without a look at L2 before. */
const IN_USE_MS = 30_000;

/** While nothing is asked of a server, it is polled in every so many rounds: somebody has to notice that it is away. */
const IDLE_EVERY = 4;

/**
 * Which buckets are polled in each round: those that were used lately, those that are to be found out about, and one of
 * each server.
 *
 * A bucket that nobody uses needs no proof. Its messages are applied as they come, so that its view stays what it is;
 * its L1 and its plain reads count again from the first poll on that its next use sends.
 */
export class PollRounds {
  private round = 0;
  private readonly inUseRounds: number;
  /** By bucket, the round of its last use. */
  private readonly lastUse: Float64Array;

  constructor(
    private readonly views: readonly BucketView[],
    pollEveryMs: number,
  ) {
    this.inUseRounds = Math.ceil(IN_USE_MS / pollEveryMs);
    this.lastUse = new Float64Array(views.length).fill(-Infinity);
  }

  isInUse(bucket: number): boolean {
    return this.round - this.lastUse[bucket]! < this.inUseRounds;
  }

  /** @returns whether it was not in use until now, and is to be polled at once */
  use(bucket: number): boolean {
    const isNew = !this.isInUse(bucket);
    this.views[bucket]!.isUsed = true;
    if (isNew) this.lastUse[bucket] = this.round;
    return isNew;
  }

  /**
   * Begins a round.
   *
   * @param isWanted buckets that are polled in any case
   * @param witnesses one bucket of each server
   * @param isUneasy something is wrong: every server is polled in every round
   */
  next(isWanted: (bucket: number) => boolean, witnesses: readonly number[], isUneasy: boolean): ReadonlySet<number> {
    this.round += 1;
    const due = new Set<number>();
    this.views.forEach((view, bucket) => {
      if (view.isUsed) this.lastUse[bucket] = this.round;
      view.isUsed = false;
      if (!view.isKnown || this.isInUse(bucket) || isWanted(bucket)) due.add(bucket);
    });
    if (isUneasy || this.round % IDLE_EVERY === 0) for (const bucket of witnesses) due.add(bucket);
    return due;
  }
}
