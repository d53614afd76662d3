import type { Step } from '../explore.js';
import type { State } from '../layout.js';
import type { ReadSpec } from './scenario.js';
import { REPLY, type Server } from './server.js';
import type { View } from './view.js';
import type { World } from './world.js';

// looked up once (see explore.ts)
const { floor: whole } = Math;

/** Where a read stands at one key. */
export const AT = {
  idle: 0,
  /** GETL has not run yet. */
  asking: 1,
  /** The lease is on its way. */
  leased: 2,
  /** The key below is being read, or the row. */
  loading: 3,
  /** To be filled. */
  loaded: 4,
  /** Waits for what another read of the process gets. */
  joining: 5,
  /** The answer that grants no lease is on its way. */
  refused: 6,
} as const;

/** Others of the process may join. */
const UNDER_WAY: ReadonlySet<number> = new Set([AT.asking, AT.leased, AT.refused, AT.loading, AT.loaded]);
const ANSWER_ON_ITS_WAY: ReadonlySet<number> = new Set([AT.leased, AT.refused]);

/** Who joined before anything was asked may take a load that Redis did not accept, too. */
const EARLY = 64;

/** Reads of keys whose loads read the key below, through the cache. */
export class Reads {
  constructor(
    private readonly world: World,
    private readonly server: Server,
    private readonly view: View,
  ) {}

  steps(): Step[] {
    return this.world.scenario.reads.flatMap((spec, read) => this.stepsOf(spec, read));
  }

  private stepsOf(spec: ReadSpec, read: number): Step[] {
    const { world: w } = this;
    const { scenario } = w;
    const steps: Step[] = [
      {
        name: `read ${read} begins`,
        when: (s) => s[w.lAt + this.top(read)] === AT.idle && s[w.rRuns + read]! < (spec.runs ?? 1),
        then: (s) => {
          s[w.rRuns + read]!++;
          s[w.rFloor + read] = s[w.floor + this.keyAt(this.top(read))]!;
          this.enter(s, this.top(read));
        },
      },
    ];
    const lowest = scenario.releases ? this.top(read) % w.keys : 0;
    const highest = this.top(read) % w.keys;
    for (let key = lowest; key <= highest; key++) this.addStepsAt(steps, read, key, spec);
    return steps;
  }

  private addStepsAt(steps: Step[], read: number, key: number, spec: ReadSpec): void {
    const { world: w, server } = this;
    const { scenario, rules } = w;
    const level = read * w.keys + key;
    const shape = this.shapeOf(read);
    const at = w.lAt + level;
    const add = (what: string, when: Step['when'], then: Step['then']) =>
      steps.push({ name: `read ${read}, key ${key}: ${what}`, when, then });
    const ask =
      (takesOver: boolean): Step['then'] =>
      (s) =>
        this.ask(s, level, takesOver);
    const isHeld = (s: State) => s[at] === AT.asking && this.wouldWait(s, level);

    if (spec.local && scenario.warm)
      add(
        'hits L1',
        (s) => s[at] === AT.asking && !this.isJoined(s, level) && this.mayHitLocal(s, level),
        (s) => this.giveBack(s, level, s[w.oValue + key]! - 1, false),
      );
    add('GETL', (s) => s[at] === AT.asking && !this.wouldWait(s, level), ask(false));
    add('GETL after a lease ended', isHeld, ask(true));
    if (w.hasLocal)
      add(
        'gets the lease',
        (s) => s[at] === AT.leased,
        (s) => this.beginLoad(s, level, true),
      );
    if (w.hasLocal)
      add(
        'is refused the lease',
        (s) => s[at] === AT.refused,
        (s) => {
          if (rules.everyAnswerClosesLocal) this.view.raiseGate(s, w.bucketOf(key), s[w.lSeq + level]!);
          s[w.lSeq + level] = 0;
          return this.beginLoad(s, level, false);
        },
      );
    if (scenario.servesStale)
      add(
        'gets a stale value',
        (s) => s[at] === AT.asking && server.isStaleAndHeld(s, key, this.token(s, level)),
        (s) => this.giveBack(s, level, s[w.vValue + key]! - 1, rules.staleValueTaints, true),
      );
    if (scenario.waitsEnd) add('waits no more', isHeld, (s) => this.beginLoad(s, level, false));
    if (scenario.lags && key === 0) {
      add(
        'loads',
        (s) => s[at] === AT.loading,
        (s) => this.loaded(s, level, s[w.db]!, false),
      );
      add(
        'loads from a lagging replica',
        (s) => s[at] === AT.loading && s[w.db]! > 0,
        (s) => this.loaded(s, level, s[w.db]! - 1, false),
      );
    }
    const mayFill = (s: State) => s[at] === AT.loaded && !s[w.lTaint + level];
    const fill = (s: State) => server.fill(s, key, this.token(s, level), s[w.lValue + level]! - 1, shape);
    add('FILL', mayFill, (s) => {
      const value = s[w.lValue + level]! - 1;
      const isAccepted = fill(s);
      if (isAccepted && spec.local && !s[w.lPoisoned + level]) this.view.keep(s, key, value);
      return this.giveBack(s, level, value, !isAccepted && rules.refusedFillTaints, !isAccepted);
    });
    if (scenario.losesAnswers)
      add('FILL, unanswered', mayFill, (s) => {
        fill(s);
        return this.giveBack(s, level, s[w.lValue + level]! - 1, rules.unknownFillTaints, true);
      });
    // nothing of the row itself is tainted
    if (key > 0)
      add(
        'RELEASE',
        (s) => s[at] === AT.loaded && s[w.lTaint + level] === 1,
        (s) => {
          server.release(s, key, this.token(s, level));
          return this.giveBack(s, level, s[w.lValue + level]! - 1, true, true);
        },
      );
    if (scenario.joins)
      for (let other = 0; other < w.reads; other++) {
        const leader = other * w.keys + key;
        if (other === read) continue;
        add(
          `joins read ${other}`,
          (s) => s[at] === AT.asking && UNDER_WAY.has(s[w.lAt + leader]!),
          (s) => {
            s[at] = AT.joining;
            s[w.lJoined + level] = leader + 1 + (this.isEarly(s[w.lAt + leader]!) ? EARLY : 0);
          },
        );
      }
  }

  /** Whether who joins now came before what decides about a load that is not filled. */
  private isEarly(leaderAt: number): boolean {
    if (leaderAt === AT.asking) return true;
    return !this.world.rules.unfilledCountsFromItsQuestion && ANSWER_ON_ITS_WAY.has(leaderAt);
  }

  private top(read: number): number {
    const { world: w } = this;
    const { key, release } = w.scenario.reads[read]!;
    return read * w.keys + w.keyOf(key, release);
  }

  private keyAt(level: number): number {
    return level % this.world.keys;
  }

  private isTop(level: number): boolean {
    return level === this.top(whole(level / this.world.keys));
  }

  private shapeOf(read: number): number {
    return (this.world.scenario.reads[read]!.release ?? 0) + 1;
  }

  /** One per load. */
  private token(s: State, level: number): number {
    const { world: w } = this;
    const read = whole(level / w.keys);
    return 1 + level * (w.scenario.reads[read]!.runs ?? 1) + s[w.rRuns + read]!;
  }

  private enter(s: State, level: number): void {
    s[this.world.lAt + level] = AT.asking;
  }

  /** A wait changes nothing, so it is no step. */
  private wouldWait(s: State, level: number): boolean {
    const { world: w, server } = this;
    const key = this.keyAt(level);
    const held = s[w.sToken + key]!;
    if (!held || held === this.token(s, level)) return false;
    return !(server.isLive(s, key) && s[w.vFresh + key]) && !server.isFenced(s, key);
  }

  private ask(s: State, level: number, takesOver: boolean): string | undefined {
    const { world: w, server } = this;
    const key = this.keyAt(level);
    const read = whole(level / w.keys);
    const shape = this.shapeOf(read);
    switch (server.getOrLease(s, key, this.token(s, level), takesOver, shape)) {
      case REPLY.hit: {
        if (s[w.vShape + key] !== shape && w.scenario.releases)
          return `release ${shape - 1} was served a value of release ${s[w.vShape + key]! - 1}`;
        const value = s[w.vValue + key]! - 1;
        if (w.scenario.reads[read]!.local && !s[w.lPoisoned + level]) this.view.keep(s, key, value);
        return this.giveBack(s, level, value, false);
      }
      case REPLY.lease:
        if (!w.hasLocal) return this.beginLoad(s, level, true);
        s[w.lAt + level] = AT.leased;
        s[w.lSeq + level] = s[w.mSeq + w.bucketOf(key)]!;
        return undefined;
      default:
        if (!w.hasLocal) return this.beginLoad(s, level, false);
        s[w.lAt + level] = AT.refused;
        s[w.lSeq + level] = s[w.mSeq + w.bucketOf(key)]!;
        return undefined;
    }
  }

  private beginLoad(s: State, level: number, isLeased: boolean): string | undefined {
    const { world: w } = this;
    const key = this.keyAt(level);
    if (isLeased) {
      s[w.lLeased + level] = 1;
      if (w.hasLocal) {
        this.view.loadBegins(s, level, w.bucketOf(key), s[w.lSeq + level]!);
        s[w.lSeq + level] = 0;
      }
    }
    s[w.lAt + level] = AT.loading;
    if (key > 0 && !w.scenario.releases) this.enter(s, level - 1);
    else if (!w.scenario.lags) return this.loaded(s, level, s[w.db]!, false);
    return undefined;
  }

  private loaded(s: State, level: number, value: number, isTainted: boolean): string | undefined {
    const { world: w } = this;
    const { rules } = w;
    if (!s[w.lLeased + level]) return this.giveBack(s, level, value, isTainted || rules.unleasedLoadTaints, true);
    s[w.lAt + level] = AT.loaded;
    s[w.lValue + level] = value + 1;
    if (isTainted) s[w.lTaint + level] = 1;
    return undefined;
  }

  private mayHitLocal(s: State, level: number): boolean {
    const { world: w, view } = this;
    const key = this.keyAt(level);
    if (!view.has(s, key)) return false;
    if (!w.rules.hitInLoadNeedsProof) return true;
    const bucket = w.bucketOf(key);
    const isProven = (around: number) =>
      !s[w.lLeased + around] ||
      w.bucketOf(this.keyAt(around)) === bucket ||
      (s[w.lProven + around]! & (1 << bucket)) !== 0;
    const outermost = this.top(whole(level / w.keys));
    if (!w.rules.proofForInnermostLoad) return outermost === level || isProven(outermost);
    for (let around = level + 1; around <= outermost; around++) if (!isProven(around)) return false;
    return true;
  }

  /**
   * The read of one key ends: to the load around it, or to the caller.
   *
   * @param isPrivate not accepted by Redis: who joined after the load began asks for itself
   */
  private giveBack(s: State, level: number, value: number, isTainted: boolean, isPrivate = false): string | undefined {
    const { world: w } = this;
    const wasTainted = s[w.lTaint + level] === 1;
    for (const first of [w.lAt, w.lValue, w.lSeq, w.lLeased, w.lTaint, w.lPoisoned, w.lProven, w.lJoined])
      s[first + level] = 0;
    const broken = this.giveOn(s, level, value, isTainted || wasTainted, isPrivate);
    if (!w.scenario.joins) return broken;
    return broken ?? this.giveToJoiners(s, level, value, isTainted || wasTainted, isPrivate);
  }

  private giveOn(s: State, level: number, value: number, isTainted: boolean, isPrivate: boolean): string | undefined {
    const { world: w } = this;
    if (!this.isTop(level)) return this.loaded(s, level + 1, value, isTainted);
    const read = whole(level / w.keys);
    const floor = s[w.rFloor + read]!;
    s[w.rFloor + read] = 0;
    // L1, stale values and lagging replicas are old by design: there only what is filled counts, and exact keys
    const isOldByDesign = w.hasLocal || isPrivate || w.scenario.servesStale || w.scenario.lags;
    if (isOldByDesign && !w.isExact(this.keyAt(level))) return undefined;
    return value < floor ? `a read of key ${this.keyAt(level)} that began at ${floor} got ${value}` : undefined;
  }

  /** A hit in L1 is nobody's to share: reads are joined on their way to Redis. */
  private isJoined(s: State, leader: number): boolean {
    const { world: w } = this;
    for (let level = this.keyAt(leader); level < w.reads * w.keys; level += w.keys)
      if (s[w.lJoined + level]! % EARLY === leader + 1) return true;
    return false;
  }

  private giveToJoiners(
    s: State,
    leader: number,
    value: number,
    isTainted: boolean,
    isPrivate: boolean,
  ): string | undefined {
    const { world: w } = this;
    for (let level = this.keyAt(leader); level < w.reads * w.keys; level += w.keys) {
      const joined = s[w.lJoined + level]!;
      if (joined !== leader + 1 && joined !== leader + 1 + EARLY) continue;
      s[w.lJoined + level] = 0;
      if (isPrivate && joined < EARLY) {
        s[w.lAt + level] = AT.asking;
        continue;
      }
      const taints = isTainted && w.rules.taintReachesJoiners;
      const broken = this.giveBack(s, level, value, taints, isPrivate);
      if (broken !== undefined) return broken;
    }
    return undefined;
  }
}
