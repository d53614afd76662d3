import type { Clock } from '../shared/clock.js';
import type { BucketPart } from './eviction-group.js';

/** What one try of a group held in one bucket, and could not release. */
export interface LeftHold {
  readonly part: BucketPart;
  /** Of that try. */
  readonly owner: string;
  /** Local ms from which on it does not stand any more, whatever became of it. */
  readonly untilMs: number;
}

/** Per bucket. The first ones, sent before an outage was noticed, are those that may stand. */
const MAX_KEPT = 16;

/** Holds whose release was not acknowledged: while they stand, nothing that they hold is cached. */
export class LeftHolds {
  private readonly byBucket = new Map<number, LeftHold[]>();

  constructor(private readonly clock: Clock) {}

  add(hold: LeftHold): void {
    const { bucket } = hold.part;
    const others = this.byBucket.get(bucket) ?? [];
    if (others.length < MAX_KEPT) this.byBucket.set(bucket, [...others, hold]);
  }

  /** Those of the bucket that may still stand; they are forgotten here. */
  take(bucket: number): readonly LeftHold[] {
    const holds = this.byBucket.get(bucket);
    if (holds === undefined) return NONE;
    this.byBucket.delete(bucket);
    const nowMs = this.clock.now();
    return holds.filter(({ untilMs }) => nowMs < untilMs);
  }
}

const NONE: readonly LeftHold[] = [];
