import { compareVersions } from '../../entries/version.js';
import type { PutArgs, PutOutcome } from '../remote-store.js';
import type { Bucket } from './bucket.js';
import { valueToStore } from './stored-payload.js';

/**
 * PUT of PROTOCOL 4: stored only if it is proven that nothing newer was written or invalidated; else the key is left
 * absent, for leaving what stood would be stale.
 */
export function put(bucket: Bucket, args: PutArgs, nowMicros: number): PutOutcome {
  const { version, tombstoneMs } = args;
  const { entry } = args.key;
  const standing = bucket.valueOf(entry, nowMicros)?.entry.version ?? '';
  bucket.clearLease(entry, nowMicros);
  const proof =
    args.fence === '' ? proveByVersion(bucket, args, standing, nowMicros) : proveByFence(bucket, args, nowMicros);
  bucket.fences.countWrite(entry, nowMicros);

  if (proof === 'refused') bucket.deleteValue(entry);
  else if (proof !== 'superseded') {
    if (args.tags.length > 0) bucket.marks.taggedRegions.add(args.region);
    bucket.setValue(entry, valueToStore(args, proof, nowMicros), nowMicros);
  }

  if (version === '') bucket.noteInvalidation(entry, nowMicros, tombstoneMs, nowMicros);
  else bucket.raiseLowestVersion(entry, newerOf(version, standing), tombstoneMs, nowMicros);
  bucket.bump({ entry });
  return { ...bucket.position, kind: typeof proof === 'string' ? proof : 'stored' };
}

/** What a stored entry carries. */
type Proof = { readonly stamp: number; readonly incarnation: number };

/** Ends the fence in any case. */
function proveByFence(bucket: Bucket, args: PutArgs, nowMicros: number): Proof | 'refused' {
  const { key, region, tags, version } = args;
  const { fence, isUndisturbed } = bucket.fences.remove(key.entry, args.fence, nowMicros);
  if (!fence || !isUndisturbed || fence.incarnation !== bucket.incarnation) return 'refused';
  if (bucket.marks.areVoiding({ stamp: fence.stamp, region, tags }) || bucket.holds.areOn(args, nowMicros))
    return 'refused';
  // nothing stands under an undisturbed fence, so that the tombstone's version is the only one to ask
  const { lowestVersion } = bucket.sideOf(key.entry, nowMicros);
  if (version !== '' && compareVersions(version, lowestVersion) < 0) return 'refused';
  return { stamp: fence.stamp, incarnation: bucket.incarnation };
}

function proveByVersion(
  bucket: Bucket,
  args: PutArgs,
  standing: string,
  nowMicros: number,
): Proof | 'refused' | 'superseded' {
  const { key, region, version, tags, tombstoneMs } = args;
  if (version === '') return 'refused';
  if (compareVersions(standing, version) > 0) return 'superseded';
  // tags are checked against the marks since a fence, and there is none
  if (tags.length > 0 || bucket.marks.taggedRegions.has(region)) return 'refused';
  if (bucket.fences.areStanding(key.entry, nowMicros) || bucket.holds.areOn(args, nowMicros)) return 'refused';
  const { lowestVersion, invalidatedAtMicros } = bucket.sideOf(key.entry, nowMicros);
  if (compareVersions(version, lowestVersion) < 0) return 'refused';
  // an invalidation without a version may stand for a newer one than this (T4, T6), and a server that lost data may
  // have lost such an invalidation (T14); what has no tags is cleared with its region or with the cache
  const clearedAtMicros = bucket.marks.lastClearMicros(region);
  const lastInvalidationMicros = Math.max(invalidatedAtMicros, clearedAtMicros, bucket.incarnation);
  if (nowMicros - lastInvalidationMicros < tombstoneMs * 1_000) return 'refused';
  return { stamp: bucket.marks.next, incarnation: bucket.incarnation };
}

function newerOf(a: string, b: string): string {
  return compareVersions(a, b) >= 0 ? a : b;
}
