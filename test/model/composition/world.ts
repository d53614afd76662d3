import { Layout, type State } from '../layout.js';
import type { Rules } from './rules.js';
import type { CompositionScenario } from './scenario.js';

/** Where each variable stands. Values are stored as version + 1, so that 0 means "none". */
export class World {
  private readonly layout = new Layout();
  readonly keys: number;
  readonly buckets: number;
  readonly calls: number;
  readonly reads: number;
  readonly queueLength: number;
  readonly hasLocal: boolean;

  // --- Redis, per key
  readonly vValue: number;
  readonly vFresh: number;
  readonly vStamp: number;
  readonly vShape: number;
  readonly sToken: number;
  readonly sStamp: number;
  readonly sTomb: number;
  readonly mWrites: number;
  /** Per key and call. */
  readonly fence: number;
  readonly fenceCount: number;

  // --- Redis, per bucket
  readonly mSeq: number;
  readonly mClock: number;
  readonly mMark: number;
  /** Per bucket and call. */
  readonly hold: number;

  readonly db: number;
  /** Per key: the newest version that was promised. */
  readonly floor: number;
  readonly expiries: number;
  readonly failovers: number;

  // --- per call
  readonly cPhase: number;
  readonly cDone: number;
  readonly cEnded: number;
  readonly cRepeats: number;
  readonly cSingly: number;
  readonly cVersion: number;
  readonly cValue: number;
  readonly cProven: number;
  readonly cTaint: number;
  /** Per call and key: what was promised of the key below as its evictions began. */
  readonly cBelow: number;

  // --- per read, and per read and key
  readonly rRuns: number;
  readonly rFloor: number;
  readonly lAt: number;
  readonly lValue: number;
  readonly lSeq: number;
  readonly lLeased: number;
  readonly lTaint: number;
  readonly lPoisoned: number;
  readonly lProven: number;
  readonly lJoined: number;

  // --- the instance with L1, per bucket and per key
  readonly kKnown: number;
  readonly kSeq: number;
  readonly kGate: number;
  readonly kMark: number;
  readonly pAt: number;
  readonly pSeq: number;
  readonly pMark: number;
  readonly pCovers: number;
  readonly pCoversCalls: number;
  readonly queued: number;
  readonly queue: number;
  readonly oValue: number;
  readonly oSeq: number;
  readonly oStamp: number;

  constructor(
    readonly scenario: CompositionScenario,
    readonly rules: Rules,
  ) {
    const { layout } = this;
    const keys = (this.keys = scenario.buckets.length);
    const buckets = (this.buckets = Math.max(...scenario.buckets) + 1);
    const calls = (this.calls = scenario.calls.length);
    const reads = (this.reads = scenario.reads.length);
    this.queueLength = scenario.queue ?? 3;
    this.hasLocal = [...scenario.reads, ...scenario.calls].some(({ local }) => local);
    const local = this.hasLocal ? 1 : 0;

    const perKey = (name: string) => layout.slots(name, keys);
    this.vValue = perKey('V.value');
    this.vFresh = perKey('V.fresh');
    this.vStamp = perKey('V.s');
    this.vShape = perKey('V.shape');
    this.sToken = perKey('S.lt');
    this.sStamp = perKey('S.ls');
    this.sTomb = perKey('S.tv');
    this.mWrites = perKey('M.w');
    this.fence = layout.slots('fence', keys * calls);
    this.fenceCount = layout.slots('fence.count', keys * calls);
    this.mSeq = layout.slots('M.q', buckets, 1);
    this.mClock = layout.slots('M.c', buckets);
    this.mMark = layout.slots('M.tag', buckets);
    this.hold = layout.slots('hold', buckets * calls);
    this.db = layout.slot('db');
    this.floor = perKey('floor');
    this.expiries = layout.slot('expiries');
    this.failovers = layout.slot('failovers');

    const perCall = (name: string) => layout.slots(`call.${name}`, calls);
    this.cPhase = perCall('phase');
    this.cDone = perCall('done');
    this.cEnded = perCall('ended');
    this.cRepeats = perCall('repeats');
    this.cSingly = perCall('singly');
    this.cVersion = perCall('version');
    this.cValue = perCall('value');
    this.cProven = perCall('proven');
    this.cTaint = perCall('taint');
    this.cBelow = layout.slots('call.below', calls * keys);

    this.rRuns = layout.slots('read.runs', reads);
    this.rFloor = layout.slots('read.floor', reads);
    const perLevel = (name: string) => layout.slots(`level.${name}`, reads * keys);
    this.lAt = perLevel('at');
    this.lValue = perLevel('value');
    this.lSeq = perLevel('q');
    this.lLeased = perLevel('leased');
    this.lTaint = perLevel('taint');
    this.lPoisoned = perLevel('poisoned');
    this.lProven = perLevel('proven');
    this.lJoined = perLevel('joined');

    const perView = (name: string, initial = 0) => layout.slots(`view.${name}`, buckets * local, initial);
    this.kKnown = perView('known', 1);
    this.kSeq = perView('q', 1);
    this.kGate = perView('gate');
    this.kMark = perView('tag');
    this.pAt = perView('poll.at');
    this.pSeq = perView('poll.q');
    this.pMark = perView('poll.tag');
    this.pCovers = perView('poll.covers');
    this.pCoversCalls = perView('poll.covers calls');
    this.queued = perView('queued');
    this.queue = layout.slots('queue', buckets * local * this.queueLength * 2);
    this.oValue = layout.slots('L1.value', keys * local);
    this.oSeq = layout.slots('L1.q', keys * local);
    this.oStamp = layout.slots('L1.s', keys * local);
  }

  bucketOf(key: number): number {
    return this.scenario.buckets[key]!;
  }

  isExact(key: number): boolean {
    return this.scenario.exact?.includes(key) ?? false;
  }

  isTagged(key: number): boolean {
    return this.scenario.tagged?.includes(key) ?? true;
  }

  /** Whether L1 keeps what is in the bucket; the regions of another have none. */
  listensTo(bucket: number): boolean {
    return this.hasLocal && (this.scenario.localBuckets?.includes(bucket) ?? true);
  }

  /** The key under which a release keeps what others call `key`. */
  keyOf(key: number, release = 0): number {
    return this.scenario.releases && !this.rules.keyIgnoresCodec ? release : key;
  }

  initial(): State {
    const s = this.layout.initial();
    for (const key of this.scenario.warm ?? []) {
      s[this.vValue + key] = s[this.vFresh + key] = s[this.vStamp + key] = s[this.vShape + key] = 1;
      if (this.hasLocal) s[this.oValue + key] = s[this.oSeq + key] = s[this.oStamp + key] = 1;
    }
    return s;
  }

  changes(before: State, after: State): string {
    return this.layout.changes(before, after);
  }
}
