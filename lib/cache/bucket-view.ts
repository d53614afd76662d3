import type { StoredEntry } from '../entries/stored-entry.js';
import type { ChannelMessage, Mark } from '../stores/channel.js';
import type { BucketPosition, OnFailover, PlainRead, PollReply } from '../stores/remote-store.js';

/** A message that belongs to the bucket's sequence. */
export type Invalidation = Exclude<ChannelMessage, { kind: 'wake' }>;

/**
 * What this instance knows of one bucket: the position up to which every invalidation is applied, and the stamps of
 * marks.
 *
 * Invariant while `isKnown`: every invalidation of `incarnation` with a sequence up to `sequence` was applied here, and
 * `stamps` holds the newest stamp of `*`, of each polled region, and of every tag that was stamped above `tagFloor`.
 *
 * When the invariant breaks (a gap, another incarnation, a flush) the view is *unknown*: nothing may be served by it
 * until a poll is adopted. Messages that arrive meanwhile are kept and applied on top of the poll (PROTOCOL 5 and 7).
 */
export class BucketView {
  isKnown = false;
  incarnation = 0;
  /** Earlier incarnations whose entries may be served as well: with onFailover 'keep'. */
  private kept: readonly number[] = [];
  sequence = 0;
  markSequence = 0;
  /** How often another incarnation was adopted than the one before. */
  identityChanges = 0;
  /** Raised by each flush: an L1 entry or a ticket of an older epoch is void. */
  epoch = 0;
  /** Raised by each learned mark: an L1 entry checked up to this count needs no new check. */
  marks = 0;
  /** Somebody read here since the last round of polls. */
  isUsed = false;
  /** Local monotonic ms up to which L1 is proven: everything acknowledged before it is applied here. */
  verifiedAtMs = -Infinity;
  /** Up to where messages must have come before L1 serves again; of one incarnation. */
  private required = { incarnation: 0, sequence: 0 };
  private tagFloor = 0;
  private stamps = new Map<Mark, number>();
  private arrived: Invalidation[] = [];

  constructor(private readonly onFailover: OnFailover = 'flush') {}

  /** @returns false when the message broke the invariant and the bucket has to be polled anew. */
  apply(message: Invalidation): boolean {
    if (!this.isKnown) {
      if (this.arrived.length < MAX_ARRIVED) this.arrived.push(message);
      return true;
    }
    if (message.incarnation !== this.incarnation || message.kind === 'flush') return this.lose(message);
    if (message.sequence <= this.sequence) return true;
    if (message.sequence !== this.sequence + 1) return this.lose(message);
    this.sequence = message.sequence;
    if (message.kind === 'mark') {
      this.markSequence += 1;
      this.learn(message.mark, message.stamp);
    }
    return true;
  }

  /**
   * So many invalidations of keys, this instance's own and applied here, were acknowledged as the ones after all that
   * is known: their messages are not waited for.
   */
  applyOwn({ incarnation, sequence }: BucketPosition, count: number): void {
    if (this.isKnown && incarnation === this.incarnation && sequence === this.sequence + count)
      this.sequence = sequence;
  }

  /** Forgets everything: L1 entries and tickets of this bucket are void from now on. */
  flush(): void {
    this.isKnown = false;
    this.epoch += 1;
    this.verifiedAtMs = -Infinity;
    this.arrived = [];
  }

  /** True when all that the poll knew of is applied here. Messages may be ahead of the poll, never behind. */
  private isProvenBy(reply: PollReply): boolean {
    return (
      this.isKnown &&
      reply.incarnation === this.incarnation &&
      this.sequence >= reply.sequence &&
      this.markSequence >= reply.markSequence
    );
  }

  /**
   * Takes a poll as the proof that L1 was current when the poll was sent.
   *
   * @returns false when something that the poll knew of has not arrived here yet
   */
  prove(reply: PollReply, marks: readonly Mark[], sentAtMs: number): boolean {
    if (!this.isProvenBy(reply)) return false;
    this.verifiedAtMs = Math.max(this.verifiedAtMs, sentAtMs);
    // regions declared since the last adoption: from here on their stamps are known
    marks.forEach((mark, n) => {
      if (!this.stamps.has(mark)) this.stamps.set(mark, reply.stamps[n]!);
    });
    return true;
  }

  hasStampOf(mark: Mark): boolean {
    return this.stamps.has(mark);
  }

  /**
   * Starts anew from a poll, then applies what arrived since.
   *
   * @returns false when those messages have a gap, or are of another incarnation, and another poll is needed
   */
  adopt(reply: PollReply, marks: readonly Mark[], sentAtMs: number): boolean {
    const arrived = this.arrived;
    this.flush();
    this.isKnown = true;
    if (this.incarnation !== 0 && this.incarnation !== reply.incarnation) this.identityChanges += 1;
    this.incarnation = reply.incarnation;
    this.kept = this.onFailover === 'keep' ? reply.earlierIncarnations : [];
    this.sequence = reply.sequence;
    this.markSequence = reply.markSequence;
    this.tagFloor = reply.stampClock;
    this.stamps = new Map(marks.map((mark, n) => [mark, reply.stamps[n]!]));
    this.verifiedAtMs = sentAtMs;
    return arrived.every(
      (message) =>
        (message.incarnation === reply.incarnation && message.sequence <= reply.sequence) ||
        // messages of an incarnation before the poll's say nothing about it
        message.incarnation < reply.incarnation ||
        this.apply(message),
    );
  }

  /**
   * Holds L1 back until every invalidation up to this position is applied here. A lease, or a fence, was granted there,
   * and what is made under it may be made of values from L1 (R18): none of them shall be older than an eviction that
   * was acknowledged before.
   */
  require({ incarnation, sequence }: BucketPosition): void {
    if (incarnation !== this.required.incarnation || sequence > this.required.sequence) {
      this.required = { incarnation, sequence };
    }
  }

  /**
   * True while L1 must not serve: something acknowledged before a lease of this instance was granted has not arrived.
   */
  get isHeldBack(): boolean {
    return this.sequence < this.required.sequence && this.incarnation === this.required.incarnation;
  }

  /** A stamp that this instance knows of, by a message or because it set it. */
  learn(mark: Mark, stamp: number): void {
    if (stamp <= (this.stamps.get(mark) ?? 0)) return;
    this.stamps.set(mark, stamp);
    this.marks += 1;
    if (this.stamps.size > MAX_STAMPS) this.forgetTags();
  }

  /**
   * Whether a mark voids an entry: `dead`, `alive`, or `unknown` when a tag may have been stamped before this instance
   * began to listen. Then the server decides; an entry that the server let pass in this epoch is dead only by what was
   * learned since.
   */
  judge(entry: { stamp: number; tags: readonly string[] }, region: string): 'alive' | 'dead' | 'unknown' {
    const { stamp, tags } = entry;
    if (this.stampOf('*') >= stamp) return 'dead';
    // a region that was never polled is judged like a tag
    const regionStamp = this.stamps.get(`r:${region}`);
    if (regionStamp !== undefined && regionStamp >= stamp) return 'dead';
    let isBelowFloor = regionStamp === undefined;
    for (const tag of tags) {
      if (this.stampOf(`t:${tag}`) >= stamp) return 'dead';
      isBelowFloor = true;
    }
    return isBelowFloor && stamp <= this.tagFloor ? 'unknown' : 'alive';
  }

  /**
   * True when a plain read says how things stand (PROTOCOL 5): an eviction of the key, a mark, a failover or a flush
   * that was acknowledged before the read began would show in it, since the position was read before the value.
   */
  trusts(read: PlainRead): boolean {
    const { position } = read;
    return (
      read.identified &&
      this.isKnown &&
      position !== null &&
      position.incarnation === this.incarnation &&
      position.markSequence === this.markSequence
    );
  }

  /** True when the entry of a trusted read may be served, freshness aside. */
  admits(entry: StoredEntry, region: string): boolean {
    const { incarnation } = entry;
    const isServed = incarnation === this.incarnation || this.kept.includes(incarnation);
    return isServed && this.judge(entry, region) === 'alive';
  }

  private stampOf(mark: Mark): number {
    return this.stamps.get(mark) ?? 0;
  }

  private lose(message: Invalidation): false {
    this.flush();
    this.arrived.push(message);
    return false;
  }

  /**
   * Bounds memory: tags are forgotten, and entries leased before the newest of them are left to the server's judgement.
   * L1 has no such judge, so it starts anew.
   */
  private forgetTags(): void {
    this.epoch += 1;
    for (const [mark, stamp] of this.stamps) {
      if (!mark.startsWith('t:')) continue;
      this.stamps.delete(mark);
      this.tagFloor = Math.max(this.tagFloor, stamp);
    }
  }
}

/** Tags remembered per bucket, about 1 MB. */
const MAX_STAMPS = 10_000;

/** Messages kept while a poll is under way; if more arrive, the gap shows and the bucket is polled again. */
const MAX_ARRIVED = 10_000;
