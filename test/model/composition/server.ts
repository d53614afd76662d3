import type { State } from '../layout.js';
import type { World } from './world.js';

// looked up once (see explore.ts)
const { max } = Math;

/** A fence that was not the only one when it was set. */
const NOT_ALONE = 255;

/** What a message says beside its key + 1. */
export const MARK = 200;
export const FLUSH = 201;

export const REPLY = { hit: 1, fenced: 2, held: 3, lease: 4 } as const;

/** The functions of the Redis library over several keys and buckets, each one indivisible step. */
export class Server {
  constructor(private readonly world: World) {}

  // --- what stands

  isLive(s: State, key: number): boolean {
    const { world: w } = this;
    return s[w.vValue + key]! > 0 && !this.isMarked(s, key, s[w.vStamp + key]!);
  }

  isFenced(s: State, key: number): boolean {
    const { world: w } = this;
    for (let call = 0; call < w.calls; call++) if (s[this.fenceAt(key, call)]) return true;
    return false;
  }

  isStaleAndHeld(s: State, key: number, token: number): boolean {
    const { world: w } = this;
    const held = s[w.sToken + key]!;
    return this.isLive(s, key) && !s[w.vFresh + key] && held > 0 && held !== token;
  }

  private isMarked(s: State, key: number, stamp: number): boolean {
    const { world: w } = this;
    return w.isTagged(key) && s[w.mMark + w.bucketOf(key)]! >= stamp;
  }

  private isHeld(s: State, key: number): boolean {
    const { world: w } = this;
    const bucket = w.bucketOf(key);
    if (w.isTagged(key)) for (let call = 0; call < w.calls; call++) if (s[this.holdAt(bucket, call)]) return true;
    return false;
  }

  fenceAt(key: number, call: number): number {
    const { world: w } = this;
    return w.fence + key * w.calls + (w.rules.holdPerOwner ? call : 0);
  }

  holdAt(bucket: number, call: number): number {
    const { world: w } = this;
    return w.hold + bucket * w.calls + (w.rules.holdPerOwner ? call : 0);
  }

  // --- reads and fills

  /** @param takesOver whether a foreign lease counts as ended */
  getOrLease(s: State, key: number, token: number, takesOver: boolean, shape: number): number {
    const { world: w } = this;
    const isOfShape = !w.rules.shapeIsChecked || s[w.vShape + key] === shape;
    if (this.isLive(s, key) && s[w.vFresh + key] && isOfShape) return REPLY.hit;
    if (this.isFenced(s, key)) return REPLY.fenced;
    if (s[w.sToken + key] && s[w.sToken + key] !== token && !takesOver) return REPLY.held;
    s[w.sToken + key] = token;
    s[w.sStamp + key] = s[w.mClock + w.bucketOf(key)]! + 1;
    return REPLY.lease;
  }

  /** @returns whether it was written */
  fill(s: State, key: number, token: number, value: number, shape: number): boolean {
    const { world: w } = this;
    if (s[w.sToken + key] !== token) return false;
    const stamp = s[w.sStamp + key]!;
    this.clearLease(s, key);
    if (this.isMarked(s, key, stamp)) return false;
    if (w.rules.heldMarkRefusesFills && this.isHeld(s, key)) return false;
    if (value < s[w.sTomb + key]!) return false;
    this.write(s, key, value, stamp, shape);
    return true;
  }

  release(s: State, key: number, token: number): void {
    if (s[this.world.sToken + key] === token) this.clearLease(s, key);
  }

  // --- evictions

  evict(s: State, key: number, isSoft = false): void {
    const { world: w } = this;
    if (isSoft) s[w.vFresh + key] = 0;
    else this.removeValue(s, key);
    this.clearLease(s, key);
    if (w.scenario.lags && key === 0) s[w.sTomb + key] = max(s[w.sTomb + key]!, s[w.db]!);
    this.countWrite(s, key);
    this.bump(s, w.bucketOf(key), key + 1);
  }

  setFence(s: State, key: number, call: number): void {
    const { world: w } = this;
    const fence = this.fenceAt(key, call);
    s[fence] = 0;
    const isAlone = !this.isFenced(s, key);
    this.removeValue(s, key);
    this.clearLease(s, key);
    s[w.mWrites + key]!++;
    s[fence] = 1;
    s[fence - w.fence + w.fenceCount] = isAlone ? s[w.mWrites + key]! : NOT_ALONE;
    this.bump(s, w.bucketOf(key), key + 1);
  }

  /** @returns whether it still stood */
  endFence(s: State, key: number, call: number): boolean {
    const { world: w } = this;
    const stood = s[this.fenceAt(key, call)] === 1;
    this.dropFence(s, key, this.fenceAt(key, call));
    this.removeValue(s, key);
    this.clearLease(s, key);
    this.countWrite(s, key);
    this.bump(s, w.bucketOf(key), key + 1);
    return stood;
  }

  /** A fence that ran out is gone. */
  dropFence(s: State, key: number, fence: number): void {
    const { world: w } = this;
    s[fence] = s[fence - w.fence + w.fenceCount] = 0;
    if (!this.isFenced(s, key)) s[w.mWrites + key] = 0;
  }

  stamp(s: State, bucket: number): void {
    const { world: w } = this;
    s[w.mMark + bucket] = ++s[w.mClock + bucket]!;
    this.bump(s, bucket, MARK);
  }

  put(s: State, key: number, call: number, value: number): void {
    const { world: w } = this;
    const fence = this.fenceAt(key, call);
    const accepted = s[fence] === 1 && s[fence - w.fence + w.fenceCount] === s[w.mWrites + key] && !this.isHeld(s, key);
    this.dropFence(s, key, fence);
    this.clearLease(s, key);
    this.countWrite(s, key);
    if (accepted) this.write(s, key, value, s[w.mClock + w.bucketOf(key)]! + 1, 1);
    else this.removeValue(s, key);
    this.bump(s, w.bucketOf(key), key + 1);
  }

  /** Another server takes over the bucket: nothing of before counts (the model of one key says why). */
  failOver(s: State, bucket: number): void {
    const { world: w } = this;
    for (let key = 0; key < w.keys; key++) {
      if (w.bucketOf(key) !== bucket) continue;
      this.removeValue(s, key);
      // the eviction was lost: the value of before is back, not as fresh
      if (w.scenario.failoverLeavesStale && w.scenario.warm?.includes(key)) {
        this.write(s, key, 0, s[w.mClock + bucket]! + 1, 1);
        s[w.vFresh + key] = 0;
      }
      this.clearLease(s, key);
      for (let call = 0; call < w.calls; call++) this.dropFence(s, key, this.fenceAt(key, call));
    }
    for (let call = 0; call < w.calls; call++) s[this.holdAt(bucket, call)] = 0;
    this.bump(s, bucket, FLUSH);
  }

  private removeValue(s: State, key: number): void {
    const { world: w } = this;
    s[w.vValue + key] = s[w.vFresh + key] = s[w.vStamp + key] = s[w.vShape + key] = 0;
  }

  private clearLease(s: State, key: number): void {
    const { world: w } = this;
    s[w.sToken + key] = s[w.sStamp + key] = 0;
  }

  private countWrite(s: State, key: number): void {
    if (this.isFenced(s, key)) s[this.world.mWrites + key]!++;
  }

  private write(s: State, key: number, value: number, stamp: number, shape: number): void {
    const { world: w } = this;
    s[w.vValue + key] = value + 1;
    s[w.vFresh + key] = 1;
    s[w.vStamp + key] = stamp;
    s[w.vShape + key] = shape;
  }

  /** Positions and messages exist only where somebody listens. */
  private bump(s: State, bucket: number, what: number): void {
    const { world: w } = this;
    if (!w.listensTo(bucket)) return;
    s[w.mSeq + bucket]!++;
    const count = s[w.queued + bucket]!;
    if (count === w.queueLength) {
      if (w.scenario.losesMessages) return;
      throw new Error(`${w.scenario.name}: the queue is too short for messages that must not be lost`);
    }
    const at = w.queue + (bucket * w.queueLength + count) * 2;
    s[at] = what;
    s[at + 1] = s[w.mSeq + bucket]!;
    s[w.queued + bucket] = count + 1;
  }
}
