import { compareVersions } from '../../entries/version.js';
import type { Mark } from '../channel.js';
import type { FenceArgs } from '../remote-store.js';
import type { Bucket } from './bucket.js';

/** EVICT of PROTOCOL 4, for one key. `version` '' is an eviction without one. */
export function evict(
  bucket: Bucket,
  entry: string,
  args: { readonly version: string; readonly tombstoneMs: number },
  nowMicros: number,
): void {
  const { version, tombstoneMs } = args;
  const standing = bucket.valueOf(entry, nowMicros)?.entry.version ?? '';
  if (version === '' || compareVersions(standing, version) < 0) {
    bucket.deleteValue(entry);
    bucket.clearLease(entry, nowMicros);
    bucket.fences.countWrite(entry, nowMicros);
  }
  // a newer entry stays, but it may end before a late put arrives, and other instances may hold an older one in L1
  if (version === '') bucket.noteInvalidation(entry, nowMicros, tombstoneMs, nowMicros);
  else bucket.raiseLowestVersion(entry, version, tombstoneMs, nowMicros);
  bucket.bump({ entry });
}

/** As evict without a version, but what stands is kept, until it would have ended, to be served as stale. */
export function softEvict(bucket: Bucket, entry: string, tombstoneMs: number, nowMicros: number): void {
  const value = bucket.valueOf(entry, nowMicros);
  if (value) {
    const stale = Object.freeze({ ...value.entry, freshUntilMicros: 0 });
    bucket.setValue(entry, { entry: stale, expiresAtMicros: value.expiresAtMicros }, nowMicros);
  }
  bucket.clearLease(entry, nowMicros);
  bucket.fences.countWrite(entry, nowMicros);
  bucket.noteInvalidation(entry, nowMicros, tombstoneMs, nowMicros);
  bucket.bump({ entry });
}

/** FENCE of PROTOCOL 4. */
export function fence(
  bucket: Bucket,
  entry: string,
  args: Pick<FenceArgs, 'fence' | 'fenceMs' | 'tombstoneMs'>,
  nowMicros: number,
): void {
  const untilMicros = nowMicros + args.fenceMs * 1_000;
  bucket.deleteValue(entry);
  bucket.clearLease(entry, nowMicros);
  bucket.marks.noteLife(args.fenceMs * 1_000);
  bucket.fences.add(
    entry,
    args.fence,
    { untilMicros, stamp: bucket.marks.next, incarnation: bucket.incarnation },
    nowMicros,
  );
  // the writer may commit until the last moment of its fence and then die: only from there does the tombstone count
  bucket.noteInvalidation(entry, untilMicros, args.tombstoneMs, nowMicros);
  bucket.bump({ entry });
}

/** UNFENCE of PROTOCOL 4: the end of a fenced eviction. @returns whether the fence stood */
export function unfence(
  bucket: Bucket,
  entry: string,
  args: { readonly fence: string; readonly tombstoneMs: number },
  nowMicros: number,
): boolean {
  bucket.deleteValue(entry);
  bucket.clearLease(entry, nowMicros);
  const { fence } = bucket.fences.remove(entry, args.fence, nowMicros);
  bucket.fences.countWrite(entry, nowMicros);
  bucket.noteInvalidation(entry, nowMicros, args.tombstoneMs, nowMicros);
  bucket.bump({ entry });
  return fence !== undefined;
}

/** TAG of PROTOCOL 4, for marks that get one stamp. @returns the stamp */
export function stamp(bucket: Bucket, marks: readonly Mark[], nowMicros: number): number {
  const set = bucket.marks.set(marks, nowMicros);
  for (const mark of marks) bucket.bump({ mark, stamp: set });
  return set;
}
