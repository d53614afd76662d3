import { type ChannelModel, MESSAGE } from './channel.js';
import type { Step } from './explore.js';
import type { State } from './layout.js';
import type { ServerModel } from './server.js';
import type { World } from './world.js';

// looked up once (see explore.ts)
const { max } = Math;

/** So often D has passed, and a proof is one no more. */
const TOO_OLD = 2;

const POLL = { idle: 0, sent: 1, answered: 2 } as const;

/** What an instance knows of the bucket: messages, polls, L1. */
export class ViewModel {
  constructor(
    private readonly world: World,
    private readonly server: ServerModel,
    private readonly channel: ChannelModel,
  ) {}

  steps(): Step[] {
    const { world: w } = this;
    return Array.from({ length: w.instances }, (_, instance) => this.stepsOf(instance)).flat();
  }

  /** The highest incarnation that the instance ever saw; of none where there is no view. */
  knownInc(s: State, instance: number): number {
    return instance < this.world.instances ? s[this.world.kMaxInc + instance]! : 0;
  }

  /** An answer of the server carries its incarnation. */
  observe(s: State, instance: number, inc: number): void {
    const { world: w } = this;
    if (instance >= w.instances) return;
    this.remember(s, instance, inc);
    if (s[w.kKnown + instance] && s[w.kInc + instance] !== inc) this.flush(s, instance);
  }

  remember(s: State, instance: number, inc: number): void {
    const { world: w } = this;
    if (instance < w.instances) s[w.kMaxInc + instance] = max(s[w.kMaxInc + instance]!, inc);
  }

  /** An own eviction was acknowledged. */
  evicted(s: State, instance: number): void {
    if (!this.world.rules.ownEvictClearsLocal) return;
    this.clearLocal(s, instance);
    this.poison(s, instance);
  }

  /** An own mark was acknowledged, with this stamp. */
  learn(s: State, instance: number, kind: 'tag' | 'clear', stamp: number): void {
    const { world: w } = this;
    const slot = (kind === 'tag' ? w.kTag : w.kClear) + instance;
    s[slot] = max(s[slot]!, stamp);
  }

  keep(
    s: State,
    instance: number,
    entry: { value: number; stamp: number; inc: number; seq: number },
    poisoned: boolean,
  ): void {
    const { world: w } = this;
    const { rules } = w;
    if (!w.scenario.l1 || instance >= w.instances || !s[w.kKnown + instance]) return;
    if (poisoned && rules.fillOfL1NeedsTicket) return;
    if (rules.fillOfL1ChecksIncarnation && entry.inc !== s[w.kInc + instance]) return;
    s[w.lValue + instance] = entry.value + 1;
    s[w.lSeq + instance] = entry.seq;
    s[w.lStamp + instance] = entry.stamp;
  }

  /** What a stamp known here says of an entry: dead, or alive as far as is known. */
  isMarked(s: State, instance: number, stamp: number): boolean {
    const { world: w } = this;
    return s[w.kClear + instance]! >= stamp || (w.scenario.tagged === true && s[w.kTag + instance]! >= stamp);
  }

  /** Whether a plain read is a hit. */
  admits(
    s: State,
    instance: number,
    read: {
      identified: boolean;
      inc: number;
      seq: number;
      /** The highest position that was known as it was sent. */
      high: number;
      markSeq: number;
      value: number;
      vInc: number;
      stamp: number;
      fresh: boolean;
    },
  ): boolean {
    const { world: w } = this;
    const { rules, scenario } = w;
    if (!s[w.kKnown + instance] || !read.value || !read.fresh) return false;
    if (rules.plainReadNeedsIdentity && !read.identified) return false;
    if (scenario.rollbacks && rules.fallenPositionIsForeign && read.seq < read.high) return false;
    if (rules.plainReadChecksBucket && read.inc !== s[w.kInc + instance]) return false;
    if (rules.plainReadChecksEntry && read.vInc !== s[w.kInc + instance]) return false;
    if (rules.plainReadChecksMarkSequence && read.markSeq !== s[w.kMarkSeq + instance]) return false;
    if (rules.plainReadSeesMarks && this.isMarked(s, instance, read.stamp)) return false;
    return !(scenario.tagged && rules.plainReadChecksFloor && read.stamp <= s[w.kTagFloor + instance]!);
  }

  /** Whether the last poll that was answered was sent less than D ago, as far as the instance knows. */
  isRecent(s: State, instance: number): boolean {
    const { world: w } = this;
    const age = s[w.kAge + instance]!;
    return (w.rules.largerElapsedTimeCounts ? max(age, s[w.kWallAge + instance]!) : age) < TOO_OLD;
  }

  /** Whether a plain read that is sent now may count, whatever is answered before its reply. */
  isIdentified(s: State, instance: number): boolean {
    const { world: w } = this;
    return s[w.kIdentified + instance] === 1 && (!w.rules.plainReadNeedsRecentProof || this.isRecent(s, instance));
  }

  /**
   * Whether the server of the connection has run a poll that was sent on it, and its answer is under way: it comes
   * before the reply to what the server runs now, and makes that count.
   */
  isIdentifiedOnServer(s: State, instance: number): boolean {
    const { world: w } = this;
    if (s[w.pAt + instance] !== POLL.answered || !s[w.pSameConnection + instance]) return false;
    const age = max(s[w.pAge + instance]!, w.rules.largerElapsedTimeCounts ? s[w.pWallAge + instance]! : 0);
    return !w.rules.plainReadNeedsRecentProof || age < TOO_OLD;
  }

  /** What a plain read that is sent now is promised. */
  floorOf(s: State, instance: number): number {
    const { world: w } = this;
    // whose master may be cut off: of D ago; and under a rollback: of what the instance knew
    if (s[w.kCutOff + instance]) return s[w.floorBefore]!;
    return w.scenario.rollbacks ? max(s[w.kProven + instance]!, s[w.kOwnFloor + instance]!) : s[w.floor]!;
  }

  /** An answer or a message of the known incarnation has this position. */
  sawPosition(s: State, instance: number, inc: number, seq: number): void {
    const { world: w } = this;
    if (!w.scenario.rollbacks || instance >= w.instances || inc !== s[w.kInc + instance]) return;
    s[w.kHigh + instance] = max(s[w.kHigh + instance]!, seq);
  }

  refused(s: State, instance: number): void {
    const { world: w } = this;
    if (w.rules.refusalTakesIdentity) s[w.kIdentified + instance] = 0;
  }

  private flush(s: State, instance: number): void {
    const { world: w } = this;
    s[w.kKnown + instance] = 0;
    this.clearLocal(s, instance);
    if (w.rules.flushVoidsTickets) this.poison(s, instance);
    if (s[w.pAt + instance]) s[w.pVoid + instance] = 1;
  }

  private clearLocal(s: State, instance: number): void {
    const { world: w } = this;
    s[w.lValue + instance] = s[w.lSeq + instance] = s[w.lStamp + instance] = 0;
  }

  private poison(s: State, instance: number): void {
    const { world: w } = this;
    if (!w.scenario.l1) return;
    w.flights.forEach((owner, flight) => {
      if (owner === instance && s[w.rAt + flight]) s[w.rPoisoned + flight] = 1;
    });
  }

  private stepsOf(instance: number): Step[] {
    const { world: w, channel } = this;
    const poll = w.pAt + instance;
    const steps: Step[] = [
      {
        name: `instance ${instance} receives a message`,
        when: (s) => s[w.queued + instance]! > 0 && s[w.kKnown + instance] === 1,
        then: (s) => this.receive(s, instance),
      },
      {
        name: `instance ${instance} polls`,
        when: (s) => s[poll] === POLL.idle,
        then: (s) => {
          s[poll] = POLL.sent;
          s[w.pFloor + instance] = s[w.floor]!;
          s[w.pSameConnection + instance] = 1;
        },
      },
      {
        name: `POLL of instance ${instance}`,
        when: (s) => s[poll] === POLL.sent && !s[w.kCutOff + instance],
        then: (s) => this.servePoll(s, instance),
      },
      {
        name: `instance ${instance} takes the poll as proof`,
        when: (s) => s[poll] === POLL.answered && !s[w.pVoid + instance] && this.isProof(s, instance),
        then: (s) => {
          const floor = w.rules.pollProvesItsSending ? s[w.pFloor + instance]! : s[w.floor]!;
          s[w.kProven + instance] = max(s[w.kProven + instance]!, floor);
          this.endPoll(s, instance);
        },
      },
      {
        name: `instance ${instance} starts anew from the poll`,
        when: (s) => s[poll] === POLL.answered && !s[w.pVoid + instance] && !this.isProof(s, instance),
        then: (s) => this.adopt(s, instance),
      },
      {
        name: `instance ${instance} drops a poll from before a flush`,
        when: (s) => s[poll] === POLL.answered && s[w.pVoid + instance] === 1,
        then: (s) => this.endPoll(s, instance),
      },
    ];
    if (w.scenario.partitions)
      steps.push({
        name: `POLL of instance ${instance} is refused`,
        when: (s) => s[poll] === POLL.sent && s[w.kCutOff + instance] === 1,
        then: (s) => {
          this.refused(s, instance);
          this.forgetPoll(s, instance);
        },
      });
    if (w.scenario.losesMessages)
      steps.push({
        name: `a message to instance ${instance} is lost`,
        when: (s) => s[w.queued + instance]! > 0,
        then: (s) => channel.dropHead(s, instance),
      });
    return steps;
  }

  private receive(s: State, instance: number): void {
    const { world: w } = this;
    const { rules } = w;
    const { kind, inc, seq, stamp } = this.channel.head(s, instance);
    this.channel.dropHead(s, instance);
    if (kind === MESSAGE.entry) {
      if (rules.messageRemovesOlder && s[w.lSeq + instance]! < seq) this.clearLocal(s, instance);
      this.poison(s, instance);
    }
    if (rules.messagesCarryIncarnation) {
      this.remember(s, instance, inc);
      if (inc !== s[w.kInc + instance]) {
        if (w.scenario.ignoresOlderMessages && inc < s[w.kInc + instance]!) return;
        if (rules.foreignMessageFlushes) return this.flush(s, instance);
        s[w.kInc + instance] = inc;
        s[w.kSeq + instance] = seq;
        return;
      }
    }
    this.sawPosition(s, instance, inc, seq);
    if (kind === MESSAGE.flush) return this.flush(s, instance);
    if (seq <= s[w.kSeq + instance]!) return;
    if (seq !== s[w.kSeq + instance]! + 1 && rules.gapFlushes) return this.flush(s, instance);
    s[w.kSeq + instance] = seq;
    if (kind === MESSAGE.entry || kind === MESSAGE.other) return;
    s[w.kMarkSeq + instance]!++;
    this.learn(s, instance, kind === MESSAGE.tag ? 'tag' : 'clear', stamp);
  }

  private servePoll(s: State, instance: number): void {
    const { world: w } = this;
    this.server.ident(s, this.knownInc(s, instance));
    s[w.pAt + instance] = POLL.answered;
    s[w.pInc + instance] = s[w.mInc]!;
    s[w.pSeq + instance] = s[w.mSeq]!;
    s[w.pMarkSeq + instance] = s[w.mMarkSeq]!;
    s[w.pClock + instance] = s[w.mClock]!;
    s[w.pClear + instance] = s[w.mClear]!;
  }

  private isProof(s: State, instance: number): boolean {
    const { world: w } = this;
    const { rules } = w;
    if (!s[w.kKnown + instance]) return false;
    if (rules.pollChecksIncarnation && s[w.pInc + instance] !== s[w.kInc + instance]) return false;
    return (
      !rules.pollComparesSequence ||
      (s[w.kSeq + instance]! >= s[w.pSeq + instance]! && s[w.kMarkSeq + instance]! >= s[w.pMarkSeq + instance]!)
    );
  }

  private adopt(s: State, instance: number): void {
    const { world: w } = this;
    this.flush(s, instance);
    s[w.kKnown + instance] = 1;
    if (s[w.kInc + instance] !== s[w.pInc + instance] || !w.rules.startKeepsPosition) s[w.kHigh + instance] = 0;
    s[w.kInc + instance] = s[w.pInc + instance]!;
    s[w.kSeq + instance] = s[w.pSeq + instance]!;
    s[w.kMarkSeq + instance] = s[w.pMarkSeq + instance]!;
    s[w.kTagFloor + instance] = s[w.pClock + instance]!;
    s[w.kClear + instance] = s[w.pClear + instance]!;
    s[w.kTag + instance] = 0;
    s[w.kProven + instance] = s[w.pFloor + instance]!;
    this.endPoll(s, instance);
  }

  private endPoll(s: State, instance: number): void {
    const { world: w } = this;
    this.remember(s, instance, s[w.pInc + instance]!);
    if (s[w.pSameConnection + instance]) s[w.kIdentified + instance] = 1;
    s[w.kAge + instance] = s[w.pAge + instance]!;
    s[w.kWallAge + instance] = s[w.pWallAge + instance]!;
    this.sawPosition(s, instance, s[w.pInc + instance]!, s[w.pSeq + instance]!);
    this.forgetPoll(s, instance);
  }

  private forgetPoll(s: State, instance: number): void {
    const { world: w } = this;
    for (const first of [
      w.pAt,
      w.pFloor,
      w.pVoid,
      w.pAge,
      w.pWallAge,
      w.pSameConnection,
      w.pInc,
      w.pSeq,
      w.pMarkSeq,
      w.pClock,
      w.pClear,
    ])
      s[first + instance] = 0;
  }
}
