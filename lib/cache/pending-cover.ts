import type { CacheKey } from '../keys/cache-key.js';
import type { Mark } from '../stores/channel.js';
import type { BucketPart } from './eviction-group.js';

/**
 * What pending groups cover: all of their keys, and their marks in the buckets that did not acknowledge them. Of a mark
 * over all buckets only those that are away are pending: reads of the others need not go past the cache while one
 * server of many is away.
 */
export class PendingCover {
  /** How many groups cover it. */
  private readonly keys = new Map<string, number>();
  private readonly marks = new Map<number, Map<Mark, number>>();
  private markCount = 0;

  get size(): number {
    return this.keys.size + this.markCount;
  }

  has({ entry, bucket }: CacheKey, region: string): boolean {
    if (this.keys.size > 0 && this.keys.has(entry)) return true;
    const marks = this.marks.get(bucket);
    if (marks === undefined) return false;
    for (const mark of marks.keys()) {
      if (mark === '*' || mark === `r:${region}` || mark.startsWith('t:')) return true;
    }
    return false;
  }

  add(parts: readonly BucketPart[], suspects: ReadonlySet<number>): void {
    for (const { bucket, keys, marks } of parts) {
      for (const { key } of keys) this.keys.set(key.entry, (this.keys.get(key.entry) ?? 0) + 1);
      if (!suspects.has(bucket)) continue;
      for (const mark of marks) this.addMark(bucket, mark);
    }
  }

  /** Undoes an `add` of the same. */
  remove(parts: readonly BucketPart[], suspects: ReadonlySet<number>): void {
    for (const { bucket, keys, marks } of parts) {
      for (const { key } of keys) {
        const left = this.keys.get(key.entry)! - 1;
        if (left > 0) this.keys.set(key.entry, left);
        else this.keys.delete(key.entry);
      }
      if (!suspects.has(bucket)) continue;
      for (const mark of marks) this.removeMark(bucket, mark);
    }
  }

  private addMark(bucket: number, mark: Mark): void {
    let marks = this.marks.get(bucket);
    if (marks === undefined) this.marks.set(bucket, (marks = new Map<Mark, number>()));
    if (!marks.has(mark)) this.markCount += 1;
    marks.set(mark, (marks.get(mark) ?? 0) + 1);
  }

  private removeMark(bucket: number, mark: Mark): void {
    const marks = this.marks.get(bucket)!;
    const left = marks.get(mark)! - 1;
    if (left > 0) return void marks.set(mark, left);
    marks.delete(mark);
    this.markCount -= 1;
    if (marks.size === 0) this.marks.delete(bucket);
  }
}
