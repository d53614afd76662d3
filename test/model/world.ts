import { Layout, type State } from './layout.js';
import type { Rules } from './rules.js';
import type { Scenario } from './scenario.js';

/** A message takes this many bytes in a queue. */
export const MESSAGE_SIZE = 4;

/** Ages count down to 0, "older than a tombstone lives". */
export const YOUNG = 2;

/** Where each variable of the model stands. Values are stored as version + 1, so that 0 means "none". */
export class World {
  private readonly layout = new Layout();
  readonly writers: number;
  readonly flights: readonly number[];
  readonly callers: readonly number[];
  readonly instances: number;
  readonly queueLength: number;

  // --- what Redis holds; replicated, and lost by a failover
  readonly dataStart = this.layout.size;
  readonly vValue = this.layout.slot('V.value');
  readonly vInc = this.layout.slot('V.i');
  readonly vStamp = this.layout.slot('V.s');
  readonly vFresh = this.layout.slot('V.fresh');
  readonly sToken = this.layout.slot('S.lt');
  readonly sStamp = this.layout.slot('S.ls');
  readonly sInc = this.layout.slot('S.li');
  readonly sTomb = this.layout.slot('S.tv');
  readonly sTombAge = this.layout.slot('S.tv age');
  readonly sPlainAge = this.layout.slot('S.tx age');
  readonly mBoot = this.layout.slot('M.b', 1);
  readonly mInc = this.layout.slot('M.i', 1);
  readonly mIncAge = this.layout.slot('M.i age');
  readonly mClock = this.layout.slot('M.c');
  readonly mSeq = this.layout.slot('M.q', 1);
  readonly mMarkSeq = this.layout.slot('M.tq', 1);
  readonly mMarkAge = this.layout.slot('M.tt age');
  readonly mClear = this.layout.slot('M.*');
  readonly mTag = this.layout.slot('M.tag');
  readonly mWrites = this.layout.slot('M.w');
  readonly mHold = this.layout.slot('M.hold');
  readonly fState: number;
  readonly fStamp: number;
  readonly fInc: number;
  readonly fCount: number;
  readonly dataEnd: number;

  /** The replica, or the last save. */
  readonly saved: number;
  readonly savedOnce: number;

  // --- the server processes
  readonly server: number;
  /** Boot id of server 0 and 1. */
  readonly boot: number;
  /** Remembered sequence of server 0 and 1; 0: none. */
  readonly memory: number;
  readonly lastBoot: number;
  readonly lastInc: number;
  readonly faults: number;
  /** Only for the mutation "stamps are times". */
  readonly hostClock: number;

  // --- the database and what was promised so far
  readonly db: number;
  /** The newest version whose eviction, put, tag or clear was acknowledged. */
  readonly floor: number;
  /** The same as D last passed, and as it passed before that. */
  readonly floorOfTurn: number;
  readonly floorBefore: number;
  readonly turns: number;

  // --- per writer
  readonly wAt: number;
  readonly wValue: number;
  /** The promise of G6 holds for this writer: its fence was set and has not run out. */
  readonly wSafe: number;
  readonly wFloor: number;
  readonly wAge: number;
  readonly wLeft: number;
  /** The position that its eviction was answered with. */
  readonly wSeq: number;

  // --- per flight: one read that goes to Redis
  readonly rAt: number;
  readonly rRuns: number;
  readonly rFloor: number;
  readonly rPoisoned: number;
  readonly rIdentified: number;
  readonly rSnapshot: number;
  readonly rLoaded: number;
  readonly rKind: number;
  readonly rInc: number;
  readonly rSeq: number;
  readonly rMarkSeq: number;
  readonly rValue: number;
  readonly rVInc: number;
  readonly rStamp: number;
  readonly rFresh: number;
  /** The highest position that was known as the read was sent. */
  readonly rHigh: number;

  // --- per caller
  readonly cAt: number;
  readonly cFlight: number;
  readonly cCover: number;
  readonly cFloor: number;

  // --- per instance
  readonly kKnown: number;
  readonly kInc: number;
  readonly kMaxInc: number;
  readonly kSeq: number;
  readonly kMarkSeq: number;
  readonly kTagFloor: number;
  readonly kClear: number;
  readonly kTag: number;
  readonly kIdentified: number;
  readonly kPending: number;
  /** The highest position of the known incarnation, by whatever answer or message. */
  readonly kHigh: number;
  /**
   * How often D has passed since the last poll that was answered was sent: by the clock that stands still in a
   * suspended machine, and by the one on the wall.
   */
  readonly kAge: number;
  readonly kWallAge: number;
  /** Its connection is to a master that was cut off, and refuses writes. */
  readonly kCutOff: number;
  /** What L1 promises: the floor when the poll that proved it was sent. */
  readonly kProven: number;
  readonly kOwnFloor: number;
  readonly lValue: number;
  readonly lSeq: number;
  readonly lStamp: number;
  readonly pAt: number;
  readonly pFloor: number;
  readonly pVoid: number;
  readonly pAge: number;
  readonly pWallAge: number;
  readonly pSameConnection: number;
  readonly pInc: number;
  readonly pSeq: number;
  readonly pMarkSeq: number;
  readonly pClock: number;
  readonly pClear: number;
  readonly queue: number;
  readonly queued: number;

  constructor(
    readonly scenario: Scenario,
    readonly rules: Rules,
  ) {
    const { layout } = this;
    this.writers = scenario.writers.length;
    this.flights = scenario.flights ?? [];
    this.callers = scenario.callers ?? [];
    this.instances = scenario.instances ?? 0;
    this.queueLength = scenario.queue ?? 6;
    const { writers, instances } = this;
    const flights = this.flights.length;
    const callers = this.callers.length;

    this.fState = layout.slots('fence', writers);
    this.fStamp = layout.slots('fence.fs', writers);
    this.fInc = layout.slots('fence.fi', writers);
    this.fCount = layout.slots('fence.count', writers);
    this.dataEnd = layout.size;
    this.saved = layout.copy('saved ', this.dataStart, this.dataEnd);
    this.savedOnce = layout.slot('saved once', 1);

    this.server = layout.slot('server');
    this.boot = layout.slot('boot[0]', 1);
    layout.slot('boot[1]', 2);
    this.memory = layout.slot('memory[0]', 1);
    layout.slot('memory[1]');
    this.lastBoot = layout.slot('last boot', 2);
    this.lastInc = layout.slot('last i', 1);
    this.faults = layout.slots('faults', FAULTS.length);
    this.hostClock = layout.slot('host clock', 3);

    this.db = layout.slot('db');
    this.floor = layout.slot('floor');
    this.floorOfTurn = layout.slot('floor of turn');
    this.floorBefore = layout.slot('floor before');
    this.turns = layout.slot('turns');

    const perWriter = (name: string) => layout.slots(`writer.${name}`, writers);
    this.wAt = perWriter('at');
    this.wValue = perWriter('value');
    this.wSafe = perWriter('safe');
    this.wFloor = perWriter('floor');
    this.wAge = perWriter('age');
    this.wLeft = perWriter('left');
    this.wSeq = perWriter('q');

    const perFlight = (name: string) => layout.slots(`read.${name}`, flights);
    this.rAt = perFlight('at');
    this.rRuns = perFlight('runs');
    this.rFloor = perFlight('floor');
    this.rPoisoned = perFlight('poisoned');
    this.rIdentified = perFlight('identified');
    this.rSnapshot = perFlight('snapshot');
    this.rLoaded = perFlight('loaded');
    this.rKind = perFlight('kind');
    this.rInc = perFlight('i');
    this.rSeq = perFlight('q');
    this.rMarkSeq = perFlight('tq');
    this.rValue = perFlight('V.value');
    this.rVInc = perFlight('V.i');
    this.rStamp = perFlight('V.s');
    this.rFresh = perFlight('V.fresh');
    this.rHigh = perFlight('high q');

    const perCaller = (name: string) => layout.slots(`caller.${name}`, callers);
    this.cAt = perCaller('at');
    this.cFlight = perCaller('flight');
    this.cCover = perCaller('cover');
    this.cFloor = perCaller('floor');

    const perInstance = (name: string, initial = 0) => layout.slots(`instance.${name}`, instances, initial);
    this.kKnown = perInstance('known', 1);
    this.kInc = perInstance('i', 1);
    this.kMaxInc = perInstance('max i', 1);
    this.kSeq = perInstance('q', 1);
    this.kMarkSeq = perInstance('tq', 1);
    this.kTagFloor = perInstance('tagFloor');
    this.kClear = perInstance('*');
    this.kTag = perInstance('tag');
    this.kIdentified = perInstance('identified', 1);
    this.kPending = perInstance('pending');
    this.kHigh = perInstance('high q');
    this.kAge = perInstance('age');
    this.kWallAge = perInstance('wall age');
    this.kCutOff = perInstance('cut off');
    this.kProven = perInstance('proven floor');
    this.kOwnFloor = perInstance('own floor');
    this.lValue = perInstance('L1.value');
    this.lSeq = perInstance('L1.q');
    this.lStamp = perInstance('L1.s');
    this.pAt = perInstance('poll.at');
    this.pFloor = perInstance('poll.floor');
    this.pVoid = perInstance('poll.void');
    this.pAge = perInstance('poll.age');
    this.pWallAge = perInstance('poll.wall age');
    this.pSameConnection = perInstance('poll.same connection');
    this.pInc = perInstance('poll.i');
    this.pSeq = perInstance('poll.q');
    this.pMarkSeq = perInstance('poll.tq');
    this.pClock = perInstance('poll.c');
    this.pClear = perInstance('poll.*');
    this.queued = perInstance('queued');
    this.queue = layout.slots('queue', instances * this.queueLength * MESSAGE_SIZE);
  }

  initial(): State {
    return this.layout.initial();
  }

  changes(before: State, after: State): string {
    return this.layout.changes(before, after);
  }
}

/** Faults are bounded by a count each. */
export const FAULTS = ['failover', 'restart', 'flushAll', 'reload', 'loseBucket', 'partition', 'rollback'] as const;
