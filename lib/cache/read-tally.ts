import type { Clock } from '../shared/clock.js';
import type { EntryCall } from './entry-call.js';
import type { Outcome, Source } from './flight.js';
import { type BypassReason, tell } from './read-report.js';

/** Counts one read that L1 did not answer, by the rules of telemetry/recorder.ts. */
export function countRead(call: EntryCall, source: Source, isJoined: boolean): void {
  const { counts } = call.region;
  if (source === 'l2') counts.hitsL2 += 1;
  else if (source === 'stale') counts.stale += 1;
  else {
    counts.misses += 1;
    if (isJoined) counts.loadsJoined += 1;
  }
}

/** Tells the caller, if that asked, how its read was answered; nothing of one that failed. */
export function reportRead(
  call: EntryCall,
  outcome: Outcome,
  bypass: BypassReason | null,
  isJoined: boolean,
  clock: Clock,
): void {
  if (call.report === undefined || outcome.kind !== 'value') return;
  const { source, freshUntilMs } = outcome;
  const freshMs = freshUntilMs === null ? null : freshUntilMs - clock.now();
  tell(call.region, call.report, { source, isJoined, isStored: freshMs !== null, freshMs, bypass });
}
