import type { CacheKey } from '../keys/cache-key.js';
import type { Clock, Timer } from '../shared/clock.js';
import type { LoggerPort } from '../shared/logger.js';
import type { Channel, ChannelMessage, Mark } from '../stores/channel.js';
import type { ForeignWrites } from '../stores/foreign-writes.js';
import type { BucketPosition, PollReply, RemoteStore } from '../stores/remote-store.js';
import type { BucketView } from './bucket-view.js';
import { type Faults, LibraryFault } from './faults.js';
import type { LocalTier } from './local-tier.js';
import { Outage } from './outage.js';
import { PollRounds } from './poll-rounds.js';
import type { Tickets } from './tickets.js';
import type { Waiters } from './waiters.js';

/** How long a poll waits for messages that are still on their way before it takes them for lost (PROTOCOL 7). */
const MESSAGE_GRACE_MS = 30;

/** How often polls go out at least while something is wrong, ms. */
const UNEASY_MS = 250;

/** A server's clock may have been set since: its time is asked anew, ms. */
const MAX_TIME_AGE_MS = 60_000;

/** Polls in a row that may fail to settle a bucket; then it stays unknown until the next regular poll. */
const MAX_POLLS_IN_A_ROW = 5;

/**
 * Keeps this instance's picture of each bucket true: applies the channel's messages, polls, and flushes what can no
 * longer be proven.
 *
 * A lost message, a dropped subscriber, a half-open socket, a failover: each ends in a poll that does not match, hence
 * in a flush. None can end in a stale value served later than `maxAge` (D).
 */
export class Coherence {
  private readonly rounds: PollRounds;
  private readonly polling = new Set<number>();
  private readonly marks: Mark[] = ['*'];
  private readonly outage: Outage;
  private timer: Timer | null = null;
  private readonly pauses = new Set<() => void>();
  private isClosed = false;
  /** By bucket: each master has a clock of its own, and no two are compared. */
  private readonly serverTimes: { micros: number; atMs: number }[] = [];

  private answeredAtMs = -Infinity;

  constructor(
    private readonly parts: {
      store: RemoteStore;
      channel: Channel;
      /** By bucket; LocalTier judges by the same. */
      views: readonly BucketView[];
      /** Null: no L1. */
      localTier: LocalTier | null;
      tickets: Tickets;
      waiters: Waiters;
      clock: Clock;
      logger: LoggerPort;
      faults: Faults;
      /** P of the protocol, ms. */
      pollEveryMs: number;
      /** The server of a bucket answered a poll. */
      onAnswer: (bucket: number) => void;
      /** Null: nobody tells of writes that go past the cache. */
      foreignWrites?: ForeignWrites | null;
    },
  ) {
    this.rounds = new PollRounds(parts.views, parts.pollEveryMs);
    this.outage = new Outage(parts.clock, parts.logger, parts.store.bucketCount);
  }

  /** Listens, takes the first position of every bucket, and goes on polling. Resolves also when the store is away. */
  async open(): Promise<void> {
    await this.parts.channel.open((message) => this.receive(message));
    if (this.isClosed) return;
    this.parts.foreignWrites?.open({
      wrote: (entry) => this.forget(entry),
      began: () => this.parts.views.forEach((_, bucket) => this.lose(bucket)),
    });
    await Promise.all(this.parts.views.map((_, bucket) => this.poll(bucket)));
    this.schedule();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.timer?.cancel();
    for (const end of this.pauses) end();
    this.outage.close();
    this.parts.waiters.wakeAll();
    this.parts.foreignWrites?.close();
    await this.parts.channel.close();
  }

  view(bucket: number): BucketView {
    return this.parts.views[bucket]!;
  }

  /** Something is asked of L2, or was not answered: the bucket is polled from now on, for a while. */
  use(bucket: number): void {
    if (this.rounds.use(bucket)) void this.poll(bucket);
  }

  /** A region whose clear stamp is to be known from the next poll on. */
  declareRegion(name: string): void {
    this.marks.push(`r:${name}`);
  }

  /**
   * Local monotonic ms at which the oldest bucket in use was last proven, or where none is, any; -Infinity when it
   * never was.
   */
  get verifiedAtMs(): number {
    const inUse = this.parts.views.filter((_, bucket) => this.rounds.isInUse(bucket));
    if (inUse.length === 0) return Math.max(...this.parts.views.map(({ verifiedAtMs }) => verifiedAtMs));
    return Math.min(...inUse.map(({ verifiedAtMs }) => verifiedAtMs));
  }

  /**
   * Local monotonic ms of the last poll that was answered: when Redis last took part, whatever proves L1; -Infinity
   * when it never did.
   */
  get lastProvenAtMs(): number {
    return this.answeredAtMs;
  }

  /** How often a bucket turned out to be another incarnation, of all buckets together. */
  get identityChanges(): number {
    return this.parts.views.reduce((sum, view) => sum + view.identityChanges, 0);
  }

  /**
   * The clock of the bucket's server now, µs, never less than it is: entries count as expired a round trip early rather
   * than late. Null where the bucket was not polled within a minute.
   */
  serverNowMicros(bucket: number, nowMs: number): number | null {
    const time = this.serverTimes[bucket];
    return time === undefined || nowMs - time.atMs > MAX_TIME_AGE_MS ? null : time.micros + (nowMs - time.atMs) * 1_000;
  }

  /** Every reply passes here: another incarnation voids what is known of the bucket. */
  observe(bucket: number, position: BucketPosition): void {
    const view = this.view(bucket);
    if (view.isKnown && position.incarnation !== view.incarnation) this.lose(bucket);
  }

  /** An eviction of this instance was acknowledged: its own L1 and reads under way follow at once (G3). */
  evicted(keys: readonly CacheKey[]): void {
    for (const { entry } of keys) this.forget(entry);
  }

  /** A mark of this instance was acknowledged, with this stamp. */
  stamped(bucket: number, mark: Mark, stamp: number): void {
    this.view(bucket).learn(mark, stamp);
  }

  private forget(entry: string): void {
    this.parts.localTier?.drop(entry);
    this.parts.tickets.poison(entry);
  }

  /** L1 is proven by a poll only as far as writes of others were told, too. */
  private provable(sentAtMs: number): number {
    return Math.min(sentAtMs, this.parts.foreignWrites?.provenAtMs ?? sentAtMs);
  }

  private receive(message: ChannelMessage): void {
    const { localTier, tickets, waiters } = this.parts;
    if (message.kind === 'wake') return waiters.wake(message.entry);
    if (!this.parts.views[message.bucket]) return;
    if (message.kind === 'entry') {
      localTier?.invalidate(message.entry, message.sequence);
      tickets.poison(message.entry);
      waiters.wake(message.entry);
    }
    if (!this.view(message.bucket).apply(message)) this.lose(message.bucket);
  }

  private lose(bucket: number): void {
    const view = this.view(bucket);
    if (view.isKnown) view.flush();
    this.parts.waiters.wakeAll();
    void this.poll(bucket);
  }

  private schedule(): void {
    if (this.isClosed) return;
    const { pollEveryMs } = this.parts;
    this.timer = this.parts.clock.after(this.outage.isOn ? Math.min(UNEASY_MS, pollEveryMs) : pollEveryMs, () => {
      const { outage, rounds } = this;
      for (const bucket of rounds.next((one) => outage.isOf(one), this.parts.store.witnesses(), outage.isOn))
        void this.poll(bucket);
      this.schedule();
    });
  }

  /** One poll at a time per bucket. Never rejects: a store that is away leaves the bucket unproven. */
  private async poll(bucket: number): Promise<void> {
    if (this.isClosed || this.polling.has(bucket)) return;
    this.polling.add(bucket);
    try {
      for (let n = 0; n < MAX_POLLS_IN_A_ROW && !this.isClosed; n++) if (await this.pollOnce(bucket)) return;
    } catch (error) {
      if (this.isClosed) return;
      const reason = this.parts.faults.cacheErrorOf('A poll', error);
      if (!(reason instanceof LibraryFault)) this.outage.failed(bucket, reason);
    } finally {
      this.polling.delete(bucket);
    }
  }

  /** @returns whether the bucket is known and proven now */
  private async pollOnce(bucket: number): Promise<boolean> {
    const { store, clock } = this.parts;
    const view = this.view(bucket);
    const marks = view.isKnown && this.marks.every((mark) => view.hasStampOf(mark)) ? [] : [...this.marks];
    const sentAtMs = clock.now();
    const provenAtMs = this.provable(sentAtMs);
    const reply = await store.poll({ bucket, marks });
    this.answeredAtMs = Math.max(this.answeredAtMs, sentAtMs);
    this.outage.answered(bucket);
    this.parts.onAnswer(bucket);
    this.serverTimes[bucket] = { micros: reply.nowMicros, atMs: sentAtMs };
    if (!view.isKnown) return view.adopt(reply, marks, provenAtMs);
    if (view.prove(reply, marks, provenAtMs)) return true;
    if (reply.incarnation === view.incarnation && (await this.provenSoon(view, reply, marks, provenAtMs))) return true;
    if (view.isKnown) view.flush();
    return false;
  }

  /** Waits for messages that are on their way. */
  private async provenSoon(
    view: BucketView,
    reply: PollReply,
    marks: readonly Mark[],
    sentAtMs: number,
  ): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < MESSAGE_GRACE_MS && view.isKnown && !this.isClosed; waitedMs += 5) {
      await this.pause(5);
      if (view.prove(reply, marks, sentAtMs)) return true;
    }
    return false;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.pauses.delete(end);
        timer.cancel();
        resolve();
      };
      const timer = this.parts.clock.after(ms, end);
      this.pauses.add(end);
    });
  }
}
