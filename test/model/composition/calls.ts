import type { Step } from '../explore.js';
import type { State } from '../layout.js';
import type { CallSpec } from './scenario.js';
import type { Server } from './server.js';
import type { View } from './view.js';
import type { World } from './world.js';

// looked up once (see explore.ts)
const { max, min } = Math;

/** Where a call stands. */
const PHASE = { fencing: 0, method: 1, reading: 2, evicting: 3, releasing: 4, ending: 5, over: 6 } as const;

/** What a round sends to one place: a key, or a bucket's mark. */
interface Target {
  readonly bit: number;
  readonly name: string;
  readonly key?: number;
  readonly bucket: number;
}

/** Calls that write: fences, commit, the evictions as one group, ends. */
export class Calls {
  constructor(
    private readonly world: World,
    private readonly server: Server,
    private readonly view: View,
  ) {}

  steps(): Step[] {
    return this.world.scenario.calls.flatMap((spec, call) => this.stepsOf(spec, call));
  }

  private stepsOf(spec: CallSpec, call: number): Step[] {
    const { world: w, server } = this;
    const phase = w.cPhase + call;
    const steps: Step[] = [];
    const add = (what: string, when: Step['when'], then: Step['then']) =>
      steps.push({ name: `call ${call}: ${what}`, when, then });

    const fenced = this.fencedBy(spec).map((key) => this.targetOf(key));
    for (const target of fenced)
      add(
        `FENCE of key ${target.key}`,
        (s) => s[phase] === PHASE.fencing && !this.isDone(s, call, target),
        (s) => {
          server.setFence(s, target.key!, call);
          if (spec.local) this.view.fenced(s, call, target.bucket);
          this.done(s, call, target, fenced, PHASE.method);
        },
      );
    add(
      spec.commits === false ? 'the method runs' : 'commits',
      (s) => s[phase] === (fenced.length ? PHASE.method : PHASE.fencing),
      (s) => {
        // a put promises its own commit only: others may have committed since
        if (spec.commits !== false) s[w.cVersion + call] = ++s[w.db]!;
        s[w.cValue + call] = s[w.db]! + 1;
        if (spec.putIsMade) s[phase] = PHASE.reading;
        else this.methodEnds(s, spec, call);
      },
    );
    if (spec.putIsMade) this.addReads(steps, spec, call);
    this.addEvictions(steps, spec, call);
    this.addEnds(steps, spec, call);
    return steps;
  }

  private addReads(steps: Step[], spec: CallSpec, call: number): void {
    const { world: w, server, view } = this;
    const key = spec.puts! - 1;
    const bucket = w.bucketOf(key);
    const read = (what: string, when: Step['when'], value: (s: State) => number, isHit: boolean) =>
      steps.push({
        name: `call ${call}: its method ${what}`,
        when: (s) => s[w.cPhase + call] === PHASE.reading && when(s),
        then: (s) => {
          s[w.cValue + call] = value(s) + 1;
          const evictsIt = spec.evicts?.includes(key) || (spec.marks && w.isTagged(key));
          if (isHit && evictsIt && w.rules.putOfEvictedReadEvicts) s[w.cTaint + call] = 1;
          this.methodEnds(s, spec, call);
        },
      });
    const isElsewhere = bucket !== w.bucketOf(spec.puts!);
    if (spec.local)
      read(
        'hits L1',
        (s) =>
          view.has(s, key) &&
          (!isElsewhere || !w.rules.putWaitsForProof || (s[w.cProven + call]! & (1 << bucket)) !== 0),
        (s) => s[w.oValue + key]! - 1,
        true,
      );
    const isHit = (s: State) => server.isLive(s, key) && s[w.vFresh + key] === 1;
    read('hits Redis', isHit, (s) => s[w.vValue + key]! - 1, true);
    read(
      'loads',
      (s) => !isHit(s),
      (s) => s[w.db]!,
      false,
    );
  }

  /** The evictions of the call, as one group. */
  private addEvictions(steps: Step[], spec: CallSpec, call: number): void {
    const { world: w, server } = this;
    const { rules } = w;
    const phase = w.cPhase + call;
    const keys = (spec.evicts ?? []).map((key) => this.targetOf(w.keyOf(key, spec.release)));
    const marks = spec.marks ? Array.from({ length: w.buckets }, (_, bucket) => this.markOf(bucket)) : [];
    const all = [...keys, ...marks];
    if (all.length === 0) return;
    const add = (what: string, when: Step['when'], then: Step['then']) =>
      steps.push({ name: `call ${call}: ${what}`, when, then });
    const isOneBucket = new Set(all.map(({ bucket }) => bucket)).size === 1;
    const isOneCall = isOneBucket && !spec.chunked && (keys.length === 0 || marks.length === 0);
    const isAtOnce = isOneCall && rules.groupIsOneEviction;
    const inRounds = !isOneCall && rules.groupTakesTwoRounds && (marks.length === 0 || rules.markGroupsTakeTwoRounds);
    const one = (s: State, target: Target) => {
      if (target.key === undefined) server.stamp(s, target.bucket);
      else server.evict(s, target.key, spec.soft);
    };
    const singly = (s: State) => s[w.cSingly + call] === 1;

    if (isAtOnce)
      add(
        'EVICT of all',
        (s) => s[phase] === PHASE.evicting && !singly(s),
        (s) => {
          for (const target of all) one(s, target);
          this.evicted(s, spec, call);
        },
      );
    if (spec.fails)
      add(
        'its evictions fail',
        (s) => s[phase] === PHASE.evicting && s[w.cDone + call] === 0 && s[w.cRepeats + call] === 0,
        (s) => {
          s[w.cRepeats + call] = 1;
          if (!rules.journalKeepsGroups) s[w.cSingly + call] = 1;
        },
      );
    for (const target of all) {
      if (inRounds) this.addRounds(add, spec, call, target, all, one);
      // what a rule forbids
      if (!(isAtOnce || inRounds) || !rules.journalKeepsGroups)
        add(
          `eviction of ${target.name}`,
          (s) => s[phase] === PHASE.evicting && !this.isDone(s, call, target) && (!(isAtOnce || inRounds) || singly(s)),
          (s) => {
            one(s, target);
            if (this.done(s, call, target, all, PHASE.evicting)) this.evicted(s, spec, call);
          },
        );
    }
  }

  private addRounds(
    add: (what: string, when: Step['when'], then: Step['then']) => void,
    spec: CallSpec,
    call: number,
    target: Target,
    all: readonly Target[],
    evict: (s: State, target: Target) => void,
  ): void {
    const { world: w, server } = this;
    const { rules } = w;
    const phase = w.cPhase + call;
    const hold = server.holdAt(target.bucket, call);
    add(
      `first round, ${target.name}`,
      (s) => s[phase] === PHASE.evicting && !this.isDone(s, call, target) && !s[w.cSingly + call],
      (s) => {
        if (!rules.firstRoundHolds) evict(s, target);
        else if (target.key !== undefined) server.setFence(s, target.key, call);
        else {
          server.stamp(s, target.bucket);
          s[hold] = 1;
        }
        this.done(s, call, target, all, PHASE.releasing);
      },
    );
    add(
      `second round, ${target.name}`,
      (s) => s[phase] === PHASE.releasing && !this.isDone(s, call, target),
      (s) => {
        const stood = this.release(s, call, target, hold, evict);
        if (!stood && rules.releaseChecksHold && rules.firstRoundHolds) s[w.cRepeats + call] = 1;
        if (!this.done(s, call, target, all, PHASE.releasing)) return;
        if (!s[w.cRepeats + call]) return this.evicted(s, spec, call);
        s[w.cRepeats + call] = 0;
        s[phase] = PHASE.evicting;
      },
    );
  }

  private release(
    s: State,
    call: number,
    target: Target,
    hold: number,
    evict: (s: State, target: Target) => void,
  ): boolean {
    const { world: w, server } = this;
    if (!w.rules.firstRoundHolds) evict(s, target);
    else if (target.key !== undefined) return server.endFence(s, target.key, call);
    else {
      const stood = s[hold] === 1;
      s[hold] = 0;
      if (w.rules.releaseStampsAgain) server.stamp(s, target.bucket);
      return stood;
    }
    return true;
  }

  /** The ends of its fences, after its evictions. */
  private addEnds(steps: Step[], spec: CallSpec, call: number): void {
    const { world: w, server } = this;
    const phase = w.cPhase + call;
    for (const key of this.fencedBy(spec)) {
      const bit = 1 << key;
      const mayEnd = (s: State) =>
        s[phase] === PHASE.ending ||
        (!w.rules.endsFollowGroup && (s[phase] === PHASE.evicting || s[phase] === PHASE.releasing));
      const end = (s: State, then: () => void) => {
        then();
        s[w.cEnded + call]! |= bit;
        this.checkEnd(s, spec, call);
      };
      const may = (s: State) => mayEnd(s) && !(s[w.cEnded + call]! & bit);
      const isPut = key === spec.puts;
      if (isPut)
        steps.push({
          name: `call ${call}: PUT of key ${key}`,
          when: (s) => may(s) && !s[w.cTaint + call],
          then: (s) => end(s, () => server.put(s, key, call, s[w.cValue + call]! - 1)),
        });
      steps.push({
        name: `call ${call}: UNFENCE of key ${key}`,
        when: (s) => may(s) && (!isPut || s[w.cTaint + call] === 1),
        then: (s) => end(s, () => void server.endFence(s, key, call)),
      });
    }
  }

  private fencedBy(spec: CallSpec): number[] {
    return [...(spec.strict ?? []), ...(spec.puts === undefined ? [] : [spec.puts])];
  }

  private targetOf(key: number): Target {
    return { bit: 1 << key, name: `key ${key}`, key, bucket: this.world.bucketOf(key) };
  }

  private markOf(bucket: number): Target {
    return { bit: 1 << (this.world.keys + bucket), name: `the tag in bucket ${bucket}`, bucket };
  }

  private isDone(s: State, call: number, target: Target): boolean {
    return (s[this.world.cDone + call]! & target.bit) !== 0;
  }

  /** @returns whether all of the round is done; then the next phase begins */
  private done(s: State, call: number, target: Target, all: readonly Target[], next: number): boolean {
    const { world: w } = this;
    s[w.cDone + call]! |= target.bit;
    if (!all.every((each) => this.isDone(s, call, each))) return false;
    s[w.cDone + call] = 0;
    s[w.cPhase + call] = next;
    return true;
  }

  /** From here on its evictions count: what was committed by now has to be gone when they are acknowledged. */
  private methodEnds(s: State, spec: CallSpec, call: number): void {
    const { world: w } = this;
    if (spec.puts === undefined) s[w.cVersion + call] = s[w.db]!;
    for (let key = 0; key < w.keys; key++) s[w.cBelow + call * w.keys + key] = key > 0 ? s[w.floor + key - 1]! : 0;
    const evicts = (spec.evicts?.length ?? 0) > 0 || spec.marks;
    s[w.cPhase + call] = evicts ? PHASE.evicting : PHASE.ending;
    this.checkEnd(s, spec, call);
  }

  private evicted(s: State, spec: CallSpec, call: number): void {
    s[this.world.cPhase + call] = PHASE.ending;
    this.checkEnd(s, spec, call);
  }

  private checkEnd(s: State, spec: CallSpec, call: number): void {
    const { world: w } = this;
    if (s[w.cPhase + call] !== PHASE.ending) return;
    for (const key of this.fencedBy(spec)) if (!(s[w.cEnded + call]! & (1 << key))) return;
    this.acknowledge(s, spec, call);
  }

  /** A key is promised what the one below it is promised: by this call, or before its evictions began. */
  private acknowledge(s: State, spec: CallSpec, call: number): void {
    const { world: w } = this;
    const covered = new Set([...(spec.evicts ?? []), ...this.fencedBy(spec)]);
    let below = 0;
    for (let key = 0; key < w.keys; key++) {
      const isCovered =
        (spec.marks && w.isTagged(key)) || covered.has(key) || (w.scenario.releases && covered.size > 0);
      const wasPromised = s[w.cBelow + call * w.keys + key]!;
      if (isCovered) {
        const inherited = key === 0 || w.scenario.releases ? 255 : max(below, wasPromised);
        below = min(s[w.cVersion + call]!, inherited);
        s[w.floor + key] = max(s[w.floor + key]!, below);
      } else below = 0;
    }
    for (const first of [w.cVersion, w.cValue, w.cProven, w.cTaint, w.cRepeats, w.cSingly, w.cEnded, w.cDone])
      s[first + call] = 0;
    s.fill(0, w.cBelow + call * w.keys, w.cBelow + (call + 1) * w.keys);
    s[w.cPhase + call] = PHASE.over;
  }
}
