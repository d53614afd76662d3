import type { CacheKey } from '../keys/cache-key.js';
import type { Clock } from '../shared/clock.js';
import type { CacheError } from '../shared/errors.js';
import { StoreRefusal } from '../stores/remote-store.js';
import type { Background } from './background.js';
import type { BucketPart, EvictionGroup } from './eviction-group.js';
import { EvictionLine, sizeOf, tombstoneOf } from './eviction-line.js';
import { InTurn } from './in-turn.js';
import { type LeftHold, LeftHolds } from './left-holds.js';
import { chunksOf, MAX_PER_CALL } from './per-call.js';
import type { RemoteTier } from './remote-tier.js';

/** Why a group was not acknowledged, by the buckets that did not do so; empty: it was. */
export type Undelivered = ReadonlyMap<number, CacheError>;

/** How long fences and marks are held when this instance dies between the rounds, or loses its connection there. */
const HOLD_MS = 10_000;

const DELIVERED: Undelivered = new Map();
const NONE: ReadonlySet<number> = new Set();

/**
 * The way by which every eviction goes to Redis.
 *
 * What one call can do in one bucket is one call: all of it happens in one moment. Anything else takes two rounds. The
 * first *holds*: keys are fenced, marks are stamped and held, so that nothing of the group can be filled or put; when
 * all buckets acknowledged that, every old value is gone. The second *releases*. So no value of the group is ever made
 * of an old one of it, in whatever order calls arrive, however deep entries are nested (R19).
 */
export class EvictionDelivery {
  private readonly line: EvictionLine;
  private readonly turns = new InTurn();
  private readonly left: LeftHolds;

  constructor(
    private readonly parts: { remote: RemoteTier; background: Background; clock: Clock; nextToken: () => string },
  ) {
    this.line = new EvictionLine(parts.remote);
    this.left = new LeftHolds(parts.clock);
  }

  /** The bucket's server answers: what could not be released there is. */
  releaseLeft(bucket: number): void {
    for (const hold of this.left.take(bucket)) this.releaseLater(hold);
  }

  /**
   * Never rejects.
   *
   * @param suspects buckets that did not answer last time: they are asked first, and nothing is disturbed while they
   * are away
   */
  async deliver({ parts }: EvictionGroup, suspects: ReadonlySet<number> = NONE): Promise<Undelivered> {
    const [only] = parts;
    if (only === undefined) return DELIVERED;
    if (parts.length > 1 || !isOneCall(only)) {
      const buckets = parts.map(({ bucket }) => bucket);
      return this.turns.run(buckets, () => this.inRounds(parts, suspects));
    }
    try {
      await this.inOneCall(only);
      return DELIVERED;
    } catch (error) {
      return new Map([[only.bucket, error as CacheError]]);
    }
  }

  private async inOneCall(part: BucketPart): Promise<void> {
    const [fence] = part.keys[0]?.fences ?? [];
    if (fence === undefined) return this.line.send(part);
    await this.parts.remote.unfence({ keys: part.keys.map(({ key }) => key), fence, tombstoneMs: tombstoneOf(part) });
  }

  private async inRounds(parts: readonly BucketPart[], suspects: ReadonlySet<number>): Promise<Undelivered> {
    const owner = this.parts.nextToken();
    const asked: BucketPart[] = [];
    const undelivered = new Map<number, CacheError>();
    const isSuspect = ({ bucket }: BucketPart) => suspects.has(bucket);
    for (const some of [parts.filter(isSuspect), parts.filter((part) => !isSuspect(part))]) {
      asked.push(...some);
      await all(some, undelivered, (part) => this.hold(part, owner));
      if (undelivered.size === 0) continue;
      // also where it was not answered: it may stand, or in part, and the next try has another owner
      for (const part of asked) this.releaseLater(this.holdOf(part, owner));
      return undelivered;
    }
    await all(parts, undelivered, async (part) => {
      try {
        // there was no moment at which all of the group was gone: it begins again
        if (!(await this.release(part, owner))) undelivered.set(part.bucket, brokenHold());
      } catch (error) {
        this.left.add(this.holdOf(part, owner));
        throw error;
      }
    });
    return undelivered;
  }

  /** Nobody waits for it. Where it is not answered, it is tried again once the server answers. */
  private releaseLater(hold: LeftHold): void {
    const release = async () => {
      try {
        await this.release(hold.part, hold.owner);
      } catch {
        this.left.add(hold);
      }
    };
    this.parts.background.run(release());
  }

  /** Set by now, or never. */
  private holdOf(part: BucketPart, owner: string): LeftHold {
    return { part, owner, untilMs: this.parts.clock.now() + HOLD_MS };
  }

  private async hold({ bucket, keys, marks }: BucketPart, owner: string): Promise<void> {
    const { remote } = this.parts;
    const tombstoneMs = tombstoneOf({ keys });
    await Promise.all([
      ...chunksOf(keys).map((some) =>
        remote.fence({ keys: some.map(({ key }) => key), fence: owner, fenceMs: HOLD_MS, tombstoneMs }),
      ),
      ...chunksOf(marks).map((some, n) =>
        remote.stamp({ bucket, marks: some, hold: ownerOfChunk(owner, n), holdMs: HOLD_MS }),
      ),
    ]);
  }

  /** Own fences first: a reader may fill as soon as the hold is gone. @returns whether everything was held until now */
  private async release({ bucket, keys, marks }: BucketPart, owner: string): Promise<boolean> {
    const { remote } = this.parts;
    const tombstoneMs = tombstoneOf({ keys });
    const byFence = new Map<string, CacheKey[]>();
    for (const { key, fences } of keys) {
      for (const fence of fences) {
        const others = byFence.get(fence);
        if (others) others.push(key);
        else byFence.set(fence, [key]);
      }
    }
    const unfence = (fence: string, fenced: readonly CacheKey[]) =>
      chunksOf(fenced).map((some) => remote.unfence({ keys: some, fence, tombstoneMs }));
    await Promise.all([...byFence].flatMap(([fence, fenced]) => unfence(fence, fenced)));
    const replies = await Promise.all([
      ...unfence(
        owner,
        keys.map(({ key }) => key),
      ),
      ...chunksOf(marks).map((some, n) => remote.stamp({ bucket, marks: some, hold: ownerOfChunk(owner, n) })),
    ]);
    return replies.every(({ stood }) => stood);
  }
}

/** True when one call does all of it: EVICT or STAMP, or UNFENCE where every key has the same fence. */
function isOneCall(part: BucketPart): boolean {
  if (sizeOf(part) > MAX_PER_CALL) return false;
  const { keys, marks } = part;
  if (keys.every(({ fences }) => fences.length === 0)) return true;
  const fence = keys[0]!.fences[0];
  return marks.length === 0 && keys.every(({ fences }) => fences.length === 1 && fences[0] === fence);
}

/** Runs it for each part, side by side, and notes which failed. Never rejects. */
async function all(
  parts: readonly BucketPart[],
  undelivered: Map<number, CacheError>,
  run: (part: BucketPart) => Promise<unknown>,
): Promise<void> {
  const one = async (part: BucketPart) => {
    try {
      await run(part);
    } catch (error) {
      undelivered.set(part.bucket, error as CacheError);
    }
  };
  await Promise.all(parts.map(one));
}

/** What one call holds, one call releases. */
const ownerOfChunk = (owner: string, n: number): string => (n === 0 ? owner : `${owner}.${n}`);

/** The server answers, and other groups are none of its business. */
function brokenHold(): CacheError {
  return new StoreRefusal(
    'Between the two rounds of a group of evictions a hold ended: Redis lost data, another server took over, or it took too long. ' +
      'The group is sent again.',
  );
}
