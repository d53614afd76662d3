import { compareVersions } from '../../entries/version.js';
import type { FillArgs, FillOutcome, LeaseArgs, ReadOrLease } from '../remote-store.js';
import type { Bucket } from './bucket.js';
import { handOut, valueToStore } from './stored-payload.js';

/** GETL of PROTOCOL 4. */
export function readOrLease(bucket: Bucket, args: LeaseArgs, nowMicros: number): ReadOrLease {
  const { key, region, binary, token, onFailover = 'flush' } = args;
  const head = { ...bucket.position, nowMicros };
  const found = bucket.valueOf(key.entry, nowMicros)?.entry;
  const live = found && bucket.isLive(found, region, onFailover) ? handOut(found, binary) : null;
  const isCurrent = live?.incarnation === bucket.incarnation || onFailover === 'keep';
  if (live && isCurrent && nowMicros < live.freshUntilMicros && !args.force)
    return { ...head, kind: 'hit', entry: live };
  // which tags the value will have is known only when it is filled
  if (bucket.fences.areStanding(key.entry, nowMicros) || bucket.holds.areOn({ region, tags: [] }, nowMicros))
    return { ...head, kind: 'fenced' };

  const { lease } = bucket.sideOf(key.entry, nowMicros);
  const isOwn = lease?.token === token;
  if (lease && !isOwn && nowMicros < lease.untilMicros) {
    if (!lease.isAwaited) bucket.setLease(key.entry, { ...lease, isAwaited: true }, 0, nowMicros);
    return { ...head, kind: 'held', stale: live, remainingMs: Math.ceil((lease.untilMicros - nowMicros) / 1_000) };
  }
  const untilMicros = nowMicros + args.leaseMs * 1_000;
  // the same token again keeps its stamp: a late duplicate must not lift the load over a mark that was set meanwhile
  const granted = isOwn
    ? { ...lease, untilMicros }
    : {
        token,
        untilMicros,
        stamp: bucket.marks.next,
        incarnation: bucket.incarnation,
        isAwaited: lease?.isAwaited ?? false,
      };
  bucket.setLease(key.entry, granted, untilMicros + args.keepMs * 1_000, nowMicros);
  return { ...head, kind: 'lease', stale: live };
}

/** FILL of PROTOCOL 4. The absence of the token always rejects: evicted, taken over, lost, rolled back. */
export function fill(bucket: Bucket, args: FillArgs, nowMicros: number): FillOutcome {
  const { key, region, tags, version } = args;
  const { lease, lowestVersion } = bucket.sideOf(key.entry, nowMicros);
  if (lease?.token !== args.token) return { ...bucket.position, kind: 'refused', reason: 'lease' };
  bucket.clearLease(key.entry, nowMicros);
  if (lease.isAwaited) bucket.wake(key.entry);

  const reason =
    lease.incarnation !== bucket.incarnation
      ? 'incarnation'
      : bucket.marks.areVoiding({ stamp: lease.stamp, region, tags }) || bucket.holds.areOn(args, nowMicros)
        ? 'mark'
        : version !== '' && compareVersions(version, lowestVersion) < 0
          ? 'version'
          : null;
  if (reason) return { ...bucket.position, kind: 'refused', reason };
  if (tags.length > 0) bucket.marks.taggedRegions.add(region);
  bucket.setValue(key.entry, valueToStore(args, lease, nowMicros), nowMicros);
  return { ...bucket.position, kind: 'filled', stamp: lease.stamp, nowMicros };
}

export function release(bucket: Bucket, entry: string, token: string, nowMicros: number): void {
  const { lease } = bucket.sideOf(entry, nowMicros);
  if (lease?.token !== token) return;
  bucket.clearLease(entry, nowMicros);
  if (lease.isAwaited) bucket.wake(entry);
}

export function renew(
  bucket: Bucket,
  entry: string,
  args: { readonly token: string; readonly leaseMs: number; readonly keepMs: number },
  nowMicros: number,
): boolean {
  const { lease } = bucket.sideOf(entry, nowMicros);
  if (lease?.token !== args.token) return false;
  const untilMicros = nowMicros + args.leaseMs * 1_000;
  bucket.setLease(entry, { ...lease, untilMicros }, untilMicros + args.keepMs * 1_000, nowMicros);
  return true;
}
