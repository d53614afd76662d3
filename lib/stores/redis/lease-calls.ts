import type { CacheKey } from '../../keys/cache-key.js';
import type { Clock } from '../../shared/clock.js';
import type { BucketPosition, FillArgs, FillOutcome, LeaseArgs, ReadOrLease } from '../remote-store.js';
import { escapeText } from './entry-header.js';
import { entryArguments, entryOf, pairOf, positiveMs, wholeMs } from './function-arguments.js';
import { lettersIn, numberIn } from './function-reply.js';
import { LostLeases } from './lost-leases.js';
import type { Argument } from './one-write.js';
import { ServerTimes } from './server-times.js';
import type { StoreCall, StoreCalls } from './store-calls.js';
import { TurnCalls } from './turn-calls.js';

/** Leases, and the fills that end them: those of a turn and a bucket as one call, and none left to nobody. */
export class LeaseCalls {
  readonly serverTimes = new ServerTimes();
  private readonly lost = new LostLeases();

  private readonly leases: TurnCalls<LeaseArgs, ReadOrLease>;
  private readonly fills: TurnCalls<FillArgs, FillOutcome>;

  constructor(
    private readonly calls: Pick<StoreCalls, 'invoke' | 'isClosed'>,
    private readonly clock: Clock,
  ) {
    this.leases = new TurnCalls({
      groupOf: leaseGroupOf,
      isAlike: isAskedAlike,
      weightOf: () => 0,
      send: (all, isFull) => this.askAll(all, isFull),
      clock,
      onAnswer: () => this.fills.mayFollow(this.leases),
    });
    this.fills = new TurnCalls({
      groupOf: ({ key }) => String(key.bucket),
      isAlike: (one, other) => one.key.bucket === other.key.bucket,
      weightOf: ({ payload }) => payload.length,
      send: (all, isFull) => this.fillAll(all, isFull),
      clock,
      onAnswer: () => this.leases.mayFollow(this.fills),
    });
  }

  ask(args: LeaseArgs): Promise<ReadOrLease> {
    return this.leases.add(args);
  }

  fill(args: FillArgs): Promise<FillOutcome> {
    return this.fills.add(args);
  }

  async release({ key, token }: { key: CacheKey; token: string }): Promise<void> {
    await this.calls.invoke({ verb: 'release', bucket: key.bucket, keys: pairOf(key), args: [token] }, () => {});
  }

  /** The server of the bucket answers: what it may have granted to nobody ends. */
  releaseLost(bucket: number): void {
    for (const lease of this.lost.due(bucket, this.clock.now())) this.giveUp(lease);
  }

  /** @param all of one bucket, and alike in what {@link isAskedAlike} compares */
  private askAll(all: readonly LeaseArgs[], leavesAtOnce: boolean): Promise<readonly ReadOrLease[]> {
    const { lost } = this;
    const [{ key, leaseMs, keepMs, onFailover = 'flush' }] = all as [LeaseArgs];
    const reckoned = this.serverTimes.of(key.bucket, this.clock.now());
    const args: Argument[] = [reckoned, positiveMs(leaseMs), wholeMs(keepMs), onFailover];
    let region: string | null = null;
    let force = false;
    for (const one of all) {
      if (one.region !== region || (one.force ?? false) !== force) {
        ({ region, force = false } = one);
        args.push((force ? '!' : '>') + escapeText(region));
      }
      args.push(one.token);
    }
    const call: StoreCall = {
      verb: 'getl',
      bucket: key.bucket,
      keys: pairsOf(all),
      args,
      leavesAtOnce,
      onLateReply: ([, , , granted]) => {
        const letters = String(granted);
        all.forEach((one, n) => {
          lost.forget(one.token);
          if (letters.length === all.length && (letters[n] === 'L' || letters[n] === 'l')) this.giveUp(one);
        });
      },
      onUnknown: () => {
        for (const one of all) lost.add(one.key, one.token, this.clock.now() + leaseMs);
      },
    };
    return this.calls.invoke(call, ([incarnation, sequence, now, kinds, ...more]) => {
      const letters = lettersIn(kinds, all.length, 'HLlWwB');
      const nowMicros = numberIn(now);
      let at = 0;
      const next = () => more[at++];
      return all.map(({ binary }, n) => readOrLeaseOf({ incarnation, sequence, nowMicros }, letters[n]!, binary, next));
    });
  }

  /** @param all of one bucket */
  private fillAll(all: readonly FillArgs[], leavesAtOnce: boolean): Promise<readonly FillOutcome[]> {
    const { bucket } = all[0]!.key;
    const args: Argument[] = [this.serverTimes.of(bucket, this.clock.now())];
    let last: string | null = null;
    for (const one of all) {
      const { label, ttlMs, tail } = entryArguments(one);
      if (label !== last) args.push(`>${label}`);
      last = label;
      args.push(one.token, ttlMs, tail);
    }
    const call = { verb: 'fill', bucket, keys: pairsOf(all), args, leavesAtOnce } as const;
    return this.calls.invoke(call, ([incarnation, sequence, now, kinds, ...stamps]) => {
      const letters = lettersIn(kinds, all.length, 'NOLIMV');
      const nowMicros = numberIn(now);
      let at = 0;
      let stamp: number | null = null;
      return all.map((_, n): FillOutcome => {
        const letter = letters[n]!;
        const reason = REFUSALS[letter];
        if (reason !== undefined) return { incarnation, sequence, kind: 'refused', reason };
        if (letter === 'N' || stamp === null) stamp = numberIn(stamps[at++]);
        return { incarnation, sequence, kind: 'filled', stamp, nowMicros };
      });
    });
  }

  /** In the background, and once: a lease that could not be released ends by itself. */
  private giveUp(lease: { key: CacheKey; token: string }): void {
    if (!this.calls.isClosed) this.release(lease).catch(() => {});
  }
}

const REFUSALS: Readonly<Record<string, (FillOutcome & { kind: 'refused' })['reason']>> = {
  L: 'lease',
  I: 'incarnation',
  M: 'mark',
  V: 'version',
};

/** What reads must have in common to be asked in one call. */
function leaseGroupOf({ key, leaseMs, keepMs, onFailover }: LeaseArgs): string {
  return `${key.bucket} ${leaseMs} ${keepMs} ${onFailover}`;
}

function isAskedAlike(one: LeaseArgs, other: LeaseArgs): boolean {
  const isTimedAlike = one.leaseMs === other.leaseMs && one.keepMs === other.keepMs;
  return isTimedAlike && one.key.bucket === other.key.bucket && one.onFailover === other.onFailover;
}

function pairsOf(all: readonly { readonly key: CacheKey }[]): string[] {
  const keys: string[] = [];
  for (const { key } of all) keys.push(...pairOf(key));
  return keys;
}

/** @param next what the reply says more */
function readOrLeaseOf(
  { incarnation, sequence, nowMicros }: BucketPosition & { nowMicros: number },
  letter: string,
  isBinary: boolean,
  next: () => unknown,
): ReadOrLease {
  if (letter === 'L') return { incarnation, sequence, nowMicros, kind: 'lease', stale: null };
  const position = { incarnation, sequence, nowMicros };
  if (letter === 'B') return { ...position, kind: 'fenced' };
  const entry = letter === 'W' ? null : entryOf(next(), isBinary);
  if (letter === 'l') return { ...position, kind: 'lease', stale: entry };
  // the functions found a header, so only an encoding fault leads here: treated as damaged, a load without a lease
  if (letter === 'H') return entry === null ? { ...position, kind: 'fenced' } : { ...position, kind: 'hit', entry };
  return { ...position, kind: 'held', stale: entry, remainingMs: numberIn(next()) };
}
