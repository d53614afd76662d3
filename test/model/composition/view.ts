import type { Step } from '../explore.js';
import type { State } from '../layout.js';
import { FLUSH, MARK } from './server.js';
import type { World } from './world.js';

// looked up once (see explore.ts)
const { max } = Math;

const POLL = { idle: 0, sent: 1, answered: 2 } as const;

/** What the instance with L1 knows of each bucket. How long L1 may serve is the concern of the model of one key. */
export class View {
  constructor(private readonly world: World) {}

  steps(): Step[] {
    const { world: w } = this;
    const all = Array.from({ length: w.buckets }, (_, bucket) => bucket);
    return all.filter((bucket) => w.listensTo(bucket)).flatMap((bucket) => this.stepsOf(bucket));
  }

  /** Whether L1 has a value to serve to somebody who is in no load. */
  has(s: State, key: number): boolean {
    const { world: w } = this;
    const bucket = w.bucketOf(key);
    if (!s[w.oValue + key] || !s[w.kKnown + bucket] || s[w.kMark + bucket]! >= s[w.oStamp + key]!) return false;
    return !w.rules.gateClosesLocal || s[w.kSeq + bucket]! >= s[w.kGate + bucket]!;
  }

  keep(s: State, key: number, value: number): void {
    const { world: w } = this;
    const bucket = w.bucketOf(key);
    if (w.isExact(key) || !w.listensTo(bucket) || !s[w.kKnown + bucket]) return;
    s[w.oValue + key] = value + 1;
    s[w.oSeq + key] = s[w.mSeq + bucket]!;
    s[w.oStamp + key] = s[w.mClock + bucket]! + 1;
  }

  /**
   * A load begins, under a lease that was given at the position `seq`: polls that were sent before say nothing about
   * it.
   */
  loadBegins(s: State, level: number, bucket: number, seq: number): void {
    const { world: w } = this;
    this.raiseGate(s, bucket, seq);
    if (!w.rules.proofCountsFromSending) return;
    for (let each = 0; each < w.buckets; each++) s[w.pCovers + each]! &= ~(1 << level);
  }

  /** A fence was answered: the method of a call begins. */
  fenced(s: State, call: number, bucket: number): void {
    const { world: w } = this;
    this.raiseGate(s, bucket, s[w.mSeq + bucket]!);
    s[w.cProven + call] = 0;
    if (!w.rules.proofCountsFromSending) return;
    for (let each = 0; each < w.buckets; each++) s[w.pCoversCalls + each]! &= ~(1 << call);
  }

  /** An answer that grants no lease: a load may begin all the same. */
  raiseGate(s: State, bucket: number, seq: number): void {
    const { world: w } = this;
    if (w.listensTo(bucket)) s[w.kGate + bucket] = max(s[w.kGate + bucket]!, seq);
  }

  private stepsOf(bucket: number): Step[] {
    const { world: w } = this;
    const at = w.pAt + bucket;
    const name = `bucket ${bucket}`;
    const steps: Step[] = [
      {
        name: `${name}: a message arrives`,
        when: (s) => s[w.queued + bucket]! > 0 && s[w.kKnown + bucket] === 1,
        then: (s) => this.receive(s, bucket),
      },
      {
        name: `${name}: a poll is sent`,
        when: (s) => s[at] === POLL.idle,
        then: (s) => {
          s[at] = POLL.sent;
          s[w.pCovers + bucket] = this.maskOf(w.reads * w.keys);
          s[w.pCoversCalls + bucket] = this.maskOf(w.calls);
        },
      },
      {
        name: `${name}: POLL`,
        when: (s) => s[at] === POLL.sent,
        then: (s) => {
          s[at] = POLL.answered;
          s[w.pSeq + bucket] = s[w.mSeq + bucket]!;
          s[w.pMark + bucket] = s[w.mMark + bucket]!;
        },
      },
      {
        name: `${name}: the poll is answered`,
        when: (s) => s[at] === POLL.answered,
        then: (s) => this.answered(s, bucket),
      },
    ];
    if (w.scenario.losesMessages)
      steps.push({
        name: `${name}: a message is lost`,
        when: (s) => s[w.queued + bucket]! > 0,
        then: (s) => this.dropHead(s, bucket),
      });
    return steps;
  }

  private receive(s: State, bucket: number): void {
    const { world: w } = this;
    const head = w.queue + bucket * w.queueLength * 2;
    const what = s[head]!;
    const seq = s[head + 1]!;
    this.dropHead(s, bucket);
    if (what < MARK) {
      const key = what - 1;
      if (s[w.oSeq + key]! < seq) this.forget(s, key);
      this.poison(s, key);
    }
    if (seq <= s[w.kSeq + bucket]!) return;
    if (what === FLUSH || seq !== s[w.kSeq + bucket]! + 1) return this.flush(s, bucket);
    s[w.kSeq + bucket] = seq;
    // one tag only, and each message of it raises it by one
    if (what === MARK) s[w.kMark + bucket]!++;
  }

  private answered(s: State, bucket: number): void {
    const { world: w } = this;
    const isProof = s[w.kKnown + bucket] === 1 && s[w.kSeq + bucket]! >= s[w.pSeq + bucket]!;
    if (!isProof) {
      this.flush(s, bucket);
      s[w.kKnown + bucket] = 1;
      s[w.kSeq + bucket] = s[w.pSeq + bucket]!;
      s[w.kMark + bucket] = s[w.pMark + bucket]!;
    }
    for (let level = 0; level < w.reads * w.keys; level++)
      if (s[w.pCovers + bucket]! & (1 << level) && s[w.lLeased + level]) s[w.lProven + level]! |= 1 << bucket;
    for (let call = 0; call < w.calls; call++)
      if (s[w.pCoversCalls + bucket]! & (1 << call) && w.scenario.calls[call]!.local)
        s[w.cProven + call]! |= 1 << bucket;
    s[w.pAt + bucket] = s[w.pSeq + bucket] = s[w.pMark + bucket] = 0;
    s[w.pCovers + bucket] = s[w.pCoversCalls + bucket] = 0;
  }

  private flush(s: State, bucket: number): void {
    const { world: w } = this;
    s[w.kKnown + bucket] = 0;
    for (let key = 0; key < w.keys; key++) {
      if (w.bucketOf(key) !== bucket) continue;
      this.forget(s, key);
      this.poison(s, key);
    }
  }

  private forget(s: State, key: number): void {
    const { world: w } = this;
    s[w.oValue + key] = s[w.oSeq + key] = s[w.oStamp + key] = 0;
  }

  private poison(s: State, key: number): void {
    const { world: w } = this;
    for (let read = 0; read < w.reads; read++) {
      const level = read * w.keys + key;
      if (w.scenario.reads[read]!.local && s[w.lAt + level]) s[w.lPoisoned + level] = 1;
    }
  }

  /** Who is asked about only where several buckets are. */
  private maskOf(count: number): number {
    return this.world.buckets > 1 ? (1 << count) - 1 : 0;
  }

  private dropHead(s: State, bucket: number): void {
    const { world: w } = this;
    const start = w.queue + bucket * w.queueLength * 2;
    const end = start + s[w.queued + bucket]! * 2;
    s.copyWithin(start, start + 2, end);
    s[end - 1] = s[end - 2] = 0;
    s[w.queued + bucket]!--;
  }
}
