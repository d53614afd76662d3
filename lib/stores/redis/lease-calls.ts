import type { CacheKey } from '../../keys/cache-key.js';
import type { Clock } from '../../shared/clock.js';
import type { BucketPosition, FillArgs, FillOutcome, LeaseArgs, ReadOrLease } from '../remote-store.js';
import { escapeText } from './entry-header.js';
import { entryArguments, entryOf, pairOf, positiveMs, wholeMs } from './function-arguments.js';
import { listIn, numberIn, wordIn } from './function-reply.js';
import { LostLeases } from './lost-leases.js';
import type { Argument } from './redis-node.js';
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
    private readonly calls: StoreCalls,
    private readonly clock: Clock,
  ) {
    this.leases = new TurnCalls({
      groupOf: leaseGroupOf,
      weightOf: () => 0,
      send: (all) => this.askAll(all),
      clock,
    });
    this.fills = new TurnCalls({
      groupOf: ({ key }) => String(key.bucket),
      weightOf: ({ payload }) => payload.length,
      send: (all) => this.fillAll(all),
      clock,
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

  /** @param all of one bucket, and alike in what {@link leaseGroupOf} says */
  private askAll(all: readonly LeaseArgs[]): Promise<readonly ReadOrLease[]> {
    const { lost } = this;
    const [{ key, binary, leaseMs, keepMs, onFailover = 'flush' }] = all as [LeaseArgs];
    const reckoned = this.serverTimes.of(key.bucket, this.clock.now());
    const args: Argument[] = [reckoned, positiveMs(leaseMs), wholeMs(keepMs), onFailover];
    for (const { token, region, force } of all) args.push(token, escapeText(region), force ? '1' : '');
    const call: StoreCall = {
      verb: 'getl',
      bucket: key.bucket,
      keys: pairsOf(all),
      args,
      isBinary: binary,
      onLateReply: ([, , , ...answers]) =>
        all.forEach((one, n) => {
          lost.forget(one.token);
          if (isGranted(answers[n])) this.giveUp(one);
        }),
      onUnknown: () => {
        for (const one of all) lost.add(one.key, one.token, this.clock.now() + leaseMs);
      },
    };
    return this.calls.invoke(call, ([incarnation, sequence, now, ...answers]) => {
      const position = { incarnation, sequence, nowMicros: numberIn(now) };
      return all.map((_, n) => readOrLeaseOf(position, answers[n]));
    });
  }

  /** @param all of one bucket */
  private fillAll(all: readonly FillArgs[]): Promise<readonly FillOutcome[]> {
    const { bucket } = all[0]!.key;
    const args: Argument[] = [this.serverTimes.of(bucket, this.clock.now())];
    for (const one of all) {
      args.push(one.token, ...entryArguments(one));
    }
    const call = { verb: 'fill', bucket, keys: pairsOf(all), args } as const;
    return this.calls.invoke(call, ([incarnation, sequence, now, ...answers]) =>
      all.map((_, n): FillOutcome => {
        const [kind, detail] = listIn(answers[n]);
        return kind === 'OK'
          ? { incarnation, sequence, kind: 'filled', stamp: numberIn(detail), nowMicros: numberIn(now) }
          : { incarnation, sequence, kind: 'refused', reason: wordIn(detail, REFUSALS) };
      }),
    );
  }

  /** In the background, and once: a lease that could not be released ends by itself. */
  private giveUp(lease: { key: CacheKey; token: string }): void {
    if (!this.calls.isClosed) this.release(lease).catch(() => {});
  }
}

const REFUSALS = ['lease', 'incarnation', 'mark', 'version'] as const;

/** Whether this answer of GETL grants a lease. */
function isGranted(answer: unknown): boolean {
  return Array.isArray(answer) && String(answer[0]) === 'L';
}

/** What reads must have in common to be asked in one call. */
function leaseGroupOf({ key, binary, leaseMs, keepMs, onFailover }: LeaseArgs): string {
  return `${key.bucket} ${binary} ${leaseMs} ${keepMs} ${onFailover}`;
}

function pairsOf(all: readonly { readonly key: CacheKey }[]): string[] {
  const keys: string[] = [];
  for (const { key } of all) keys.push(...pairOf(key));
  return keys;
}

function readOrLeaseOf(position: BucketPosition & { nowMicros: number }, answer: unknown): ReadOrLease {
  const [kind, raw, remainingMs] = listIn(answer);
  switch (wordIn(kind, ['H', 'L', 'W', 'B'])) {
    case 'H': {
      const entry = entryOf(raw);
      // the functions found a header, so only an encoding fault leads here: treated as damaged, a load without a lease
      return entry === null ? { ...position, kind: 'fenced' } : { ...position, kind: 'hit', entry };
    }
    case 'L':
      return { ...position, kind: 'lease', stale: entryOf(raw) };
    case 'W':
      return { ...position, kind: 'held', stale: entryOf(raw), remainingMs: numberIn(remainingMs) };
    case 'B':
      return { ...position, kind: 'fenced' };
  }
}
