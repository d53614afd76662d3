import { type ChannelModel, MESSAGE, type MessageKind } from './channel.js';
import type { State } from './layout.js';
import { type World, YOUNG } from './world.js';

// looked up once (see explore.ts)
const { max } = Math;

/** State of one fence. */
export const FENCE = { none: 0, standing: 1, expired: 2 } as const;

/** A fence that was not the only one when it was set. */
const NOT_ALONE = 255;

/** What GETL answers. */
export const REPLY = { hit: 1, fenced: 2, wait: 3, lease: 4 } as const;

/** The functions of the Redis library, each one indivisible step on the state. */
export class ServerModel {
  private readonly keepsTombstones: boolean;

  constructor(
    private readonly world: World,
    private readonly channel: ChannelModel,
  ) {
    this.keepsTombstones = world.scenario.versioned ?? false;
  }

  // --- identity

  /** Whether the next function finds that server or data are not the ones from before. */
  isForeign(s: State, knownInc: number): boolean {
    const { world: w } = this;
    const { rules } = w;
    const server = s[w.server]!;
    return (
      rules.identity &&
      ((rules.identityByBoot && s[w.mBoot] !== s[w.boot + server]) ||
        (rules.identityBySequence && s[w.memory + server] !== s[w.mSeq]) ||
        (rules.identityByCaller && knownInc > s[w.mInc]!))
    );
  }

  ident(s: State, knownInc: number): void {
    if (!this.isForeign(s, knownInc)) return;
    const { world: w } = this;
    const server = s[w.server]!;
    // a clock that is right gives a number never used before; one that is behind gives no help at all
    const time = w.scenario.clockBehind && server === 1 ? 0 : s[w.lastInc]! + 2;
    s[w.mInc] = max(time, s[w.mInc]! + 1, knownInc + 1);
    s[w.lastInc] = max(s[w.lastInc]!, s[w.mInc]!);
    s[w.mBoot] = s[w.boot + server]!;
    if (this.keepsTombstones) s[w.mIncAge] = YOUNG;
    if (w.scenario.fenceAfterFailover && w.rules.fenceAfterFailover) s[w.mHold] = 1;
    s[w.mMarkSeq]!++;
    this.bump(s, MESSAGE.flush, 0);
  }

  private bump(s: State, kind: MessageKind, stamp: number): void {
    const { world: w } = this;
    s[w.mSeq]!++;
    s[w.memory + s[w.server]!] = s[w.mSeq]!;
    this.channel.publish(s, kind, stamp);
  }

  // --- what stands

  isLive(s: State): boolean {
    const { world: w } = this;
    return s[w.vValue]! > 0 && s[w.vInc] === s[w.mInc] && !(w.rules.readSeesMarks && this.isMarked(s, s[w.vStamp]!));
  }

  /** Whether a tag, region or clear stamp voids what was leased at `stamp`. */
  private isMarked(s: State, stamp: number): boolean {
    const { world: w } = this;
    return s[w.mClear]! >= stamp || (w.scenario.tagged === true && s[w.mTag]! >= stamp);
  }

  /** Whether GETL answers "load, do not fill". */
  refusesLeases(s: State): boolean {
    return this.world.rules.fencedReadsDoNotFill && (this.aFenceStands(s) || s[this.world.mHold] === 1);
  }

  aFenceStands(s: State, except = -1): boolean {
    const { world: w } = this;
    for (let n = 0; n < w.writers; n++) if (n !== except && s[w.fState + n] === FENCE.standing) return true;
    return false;
  }

  private removeValue(s: State): void {
    const { world: w } = this;
    s[w.vValue] = s[w.vInc] = s[w.vStamp] = s[w.vFresh] = 0;
  }

  private clearLease(s: State): void {
    const { world: w } = this;
    s[w.sToken] = s[w.sStamp] = s[w.sInc] = 0;
  }

  private countWrite(s: State, except = -1): void {
    const { world: w } = this;
    if (this.aFenceStands(s, except)) s[w.mWrites]!++;
  }

  /** Without fences the count has no reader: forgotten, so that equal worlds are equal states. */
  forgetCount(s: State): void {
    const { world: w } = this;
    if (!this.aFenceStands(s)) s[w.mWrites] = 0;
  }

  private raiseTomb(s: State, version: number): void {
    const { world: w } = this;
    if (!this.keepsTombstones) return;
    s[w.sTomb] = max(s[w.sTomb]!, version);
    s[w.sTombAge] = YOUNG;
  }

  private notePlainInvalidation(s: State): void {
    if (this.keepsTombstones) s[this.world.sPlainAge] = YOUNG;
  }

  private write(s: State, value: number, stamp: number): void {
    const { world: w } = this;
    s[w.vValue] = value + 1;
    s[w.vInc] = s[w.mInc]!;
    s[w.vStamp] = stamp;
    s[w.vFresh] = 1;
  }

  private leaseStamp(s: State): number {
    const { world: w } = this;
    return w.rules.stampsAreCounted ? s[w.mClock]! + 1 : s[w.hostClock]!;
  }

  // --- reads and fills

  /** @param takesOver whether a foreign lease counts as ended */
  getOrLease(s: State, knownInc: number, token: number, takesOver: boolean, force: boolean): number {
    const { world: w } = this;
    this.ident(s, knownInc);
    if (this.isLive(s) && s[w.vFresh] && !force) return REPLY.hit;
    if (this.refusesLeases(s)) return REPLY.fenced;
    if (s[w.sToken] && s[w.sToken] !== token && !takesOver) return REPLY.wait;
    s[w.sToken] = token;
    s[w.sStamp] = this.leaseStamp(s);
    s[w.sInc] = s[w.mInc]!;
    return REPLY.lease;
  }

  /** @returns the stamp it was written with; 0: refused */
  fill(s: State, knownInc: number, token: number, value: number): number {
    const { world: w } = this;
    const { rules } = w;
    this.ident(s, knownInc);
    const holds = s[w.sToken] === token;
    if (rules.fillNeedsToken && !holds) return 0;
    const stamp = holds && rules.fillIsStampedAtLease ? s[w.sStamp]! : this.leaseStamp(s);
    const leasedAt = holds ? s[w.sStamp]! : stamp;
    const isForeign = holds && s[w.sInc] !== s[w.mInc];
    this.clearLease(s);
    if (rules.fillChecksIncarnation && isForeign) return 0;
    if (rules.fillChecksMarks && this.isMarked(s, leasedAt)) return 0;
    if (rules.fillChecksTombstone && this.keepsTombstones && value < s[w.sTomb]!) return 0;
    this.write(s, value, stamp);
    return stamp;
  }

  release(s: State, knownInc: number, token: number): void {
    this.ident(s, knownInc);
    if (s[this.world.sToken] === token) this.clearLease(s);
  }

  // --- evictions

  evict(s: State, knownInc: number): void {
    const { world: w } = this;
    this.ident(s, knownInc);
    this.removeValue(s);
    if (w.rules.evictClearsLease) this.clearLease(s);
    this.countWrite(s);
    if (!w.rules.evictKeepsFences) for (let n = 0; n < w.writers; n++) this.removeFence(s, n);
    this.notePlainInvalidation(s);
    this.bump(s, MESSAGE.entry, 0);
  }

  softEvict(s: State, knownInc: number): void {
    const { world: w } = this;
    this.ident(s, knownInc);
    if (s[w.vValue] && w.rules.softEvictedIsNeverFresh) s[w.vFresh] = 0;
    if (w.rules.softEvictClearsLease) this.clearLease(s);
    this.countWrite(s);
    this.notePlainInvalidation(s);
    this.bump(s, MESSAGE.entry, 0);
  }

  evictVersion(s: State, knownInc: number, version: number): void {
    const { world: w } = this;
    this.ident(s, knownInc);
    if (s[w.vValue]! - 1 >= version) {
      if (w.rules.supersededEvictRaisesTombstone) this.raiseTomb(s, version);
      if (w.rules.supersededEvictIsTold) this.bump(s, MESSAGE.entry, 0);
      return;
    }
    this.removeValue(s);
    this.clearLease(s);
    this.countWrite(s);
    if (w.rules.evictRaisesTombstone) this.raiseTomb(s, version);
    this.bump(s, MESSAGE.entry, 0);
  }

  mark(s: State, knownInc: number, kind: 'tag' | 'clear'): number {
    const { world: w } = this;
    this.ident(s, knownInc);
    s[w.mClock]!++;
    const stamp = w.rules.stampsAreCounted ? s[w.mClock]! : s[w.hostClock]!;
    s[kind === 'tag' ? w.mTag : w.mClear] = stamp;
    s[w.mMarkSeq]!++;
    if (this.keepsTombstones) s[w.mMarkAge] = YOUNG;
    this.bump(s, MESSAGE[kind], stamp);
    return stamp;
  }

  /** An eviction of another key of the bucket. */
  evictOther(s: State, knownInc: number): void {
    this.ident(s, knownInc);
    this.bump(s, MESSAGE.other, 0);
  }

  collect(s: State): void {
    const { world: w } = this;
    if (w.rules.collectRaisesClear) s[w.mClear] = max(s[w.mClear]!, s[w.mTag]!);
    s[w.mTag] = 0;
  }

  // --- fenced writes

  /** Where the fence of a writer stands; without the rule, all share one. */
  fenceOf(writer: number): number {
    return this.world.rules.fencePerWriter ? writer : 0;
  }

  private removeFence(s: State, fence: number): void {
    const { world: w } = this;
    s[w.fState + fence] = s[w.fStamp + fence] = s[w.fInc + fence] = s[w.fCount + fence] = 0;
    this.forgetCount(s);
  }

  fence(s: State, knownInc: number, writer: number): void {
    const { world: w } = this;
    const fence = this.fenceOf(writer);
    this.ident(s, knownInc);
    this.removeValue(s);
    this.clearLease(s);
    s[w.mWrites]!++;
    const isAlone = !this.aFenceStands(s, fence) || !w.rules.fenceOverFenceIsNotAlone;
    s[w.fState + fence] = FENCE.standing;
    s[w.fStamp + fence] = s[w.mClock]! + 1;
    s[w.fInc + fence] = s[w.mInc]!;
    s[w.fCount + fence] = isAlone ? s[w.mWrites]! : NOT_ALONE;
    this.notePlainInvalidation(s);
    this.bump(s, MESSAGE.entry, 0);
  }

  unfence(s: State, knownInc: number, writer: number): void {
    this.ident(s, knownInc);
    this.removeValue(s);
    this.clearLease(s);
    this.countWrite(s);
    this.removeFence(s, this.fenceOf(writer));
    this.notePlainInvalidation(s);
    this.bump(s, MESSAGE.entry, 0);
  }

  /** @returns whether it was written */
  putFenced(s: State, knownInc: number, writer: number, value: number): boolean {
    const { world: w } = this;
    const { rules } = w;
    const fence = this.fenceOf(writer);
    this.ident(s, knownInc);
    if (rules.putClearsLease) this.clearLease(s);
    const state = s[w.fState + fence]!;
    const stood = state === FENCE.standing || (state === FENCE.expired && !rules.expiredFenceIsGone);
    const stamp = state === FENCE.none ? s[w.mClock]! + 1 : s[w.fStamp + fence]!;
    const known = max(s[w.vValue]! - 1, s[w.sTomb]!);
    const accepted =
      (stood || !rules.putChecksFence) &&
      (state === FENCE.none ||
        (s[w.fCount + fence] !== NOT_ALONE &&
          (!rules.putCountsWrites || s[w.fCount + fence] === s[w.mWrites]) &&
          (!rules.putChecksFenceIncarnation || s[w.fInc + fence] === s[w.mInc]) &&
          (!rules.putChecksMarksSinceFence || !this.isMarked(s, stamp)))) &&
      (!rules.fencedPutChecksVersion || !this.keepsTombstones || value >= known);
    this.countWrite(s, fence);
    this.removeFence(s, fence);
    if (this.keepsTombstones && rules.putRaisesTombstone) this.raiseTomb(s, max(known, value));
    if (accepted) this.write(s, value, rules.putIsStampedAtFence ? stamp : s[w.mClock]! + 1);
    else if (rules.refusedPutEvicts) this.removeValue(s);
    this.bump(s, MESSAGE.entry, 0);
    return accepted;
  }

  // --- puts without a fence

  /** @returns what it broke: a put must not replace a newer entry (G5) */
  putVersion(s: State, knownInc: number, version: number): string | undefined {
    const { world: w } = this;
    const { rules } = w;
    this.ident(s, knownInc);
    if (rules.putClearsLease) this.clearLease(s);
    this.countWrite(s);
    const standing = s[w.vValue]! - 1;
    const tomb = s[w.sTomb]!;
    if (rules.putRaisesTombstone) this.raiseTomb(s, max(tomb, version, rules.putRemembersNewerEntry ? standing : 0));
    this.bump(s, MESSAGE.entry, 0);
    if (rules.putKeepsNewerEntry && standing > version) return undefined;
    const accepted =
      (!rules.putChecksTombstone || version >= tomb) &&
      (!rules.putChecksFences || !this.aFenceStands(s)) &&
      (!rules.putChecksPlainEvicts || !s[w.sPlainAge]) &&
      (!rules.putChecksMarks || !s[w.mMarkAge]) &&
      (!rules.putChecksFlush || !s[w.mIncAge]);
    if (accepted) this.write(s, version, s[w.mClock]! + 1);
    else if (rules.refusedPutEvicts) this.removeValue(s);
    return accepted && standing > version ? `PUT of version ${version} replaced ${standing}` : undefined;
  }

  putBlind(s: State, knownInc: number, value: number): void {
    const { world: w } = this;
    this.ident(s, knownInc);
    if (w.rules.putClearsLease) this.clearLease(s);
    this.countWrite(s);
    if (!w.rules.putNeedsProof) this.write(s, value, s[w.mClock]! + 1);
    else if (w.rules.refusedPutEvicts) this.removeValue(s);
    this.notePlainInvalidation(s);
    this.bump(s, MESSAGE.entry, 0);
  }
}
