import type { Step } from './explore.js';
import type { State } from './layout.js';
import { REPLY, type ServerModel } from './server.js';
import type { ViewModel } from './view.js';
import type { World } from './world.js';

/** Where a read stands. */
export const READ = {
  idle: 0,
  /** HMGET and GET are on their way. */
  plain: 1,
  /** One of the two has run. */
  half: 2,
  plainAnswered: 3,
  /** GETL is on its way. */
  asking: 4,
  answered: 5,
  /** Loaded under a lease. */
  loaded: 6,
  /** FILL is on its way. */
  filling: 7,
  filled: 8,
  /** Loaded without a lease. */
  loadedAlone: 9,
} as const;

const CALLER = { absent: 0, waiting: 1, served: 2 } as const;

/**
 * By what a caller may take a flight's result: it arrived before the last operation was sent, before the load began, or
 * it began the flight.
 */
const COVER = { operation: 1, load: 2, owner: 4 } as const;

const NO_FLIGHT = 255;

/** Reads that go to Redis, and the callers that share them. */
export class ReaderModel {
  constructor(
    private readonly world: World,
    private readonly server: ServerModel,
    private readonly view: ViewModel,
  ) {}

  steps(): Step[] {
    const { world: w } = this;
    return [
      ...w.flights.flatMap((_, flight) => this.stepsOf(flight)),
      ...w.callers.flatMap((_, caller) => this.stepsOfCaller(caller)),
    ];
  }

  /** The connection broke: a plain read gets an error and is asked again by function. */
  connectionLost(s: State): void {
    const { world: w } = this;
    w.flights.forEach((_, flight) => {
      const at = s[w.rAt + flight];
      if (at === READ.plain || at === READ.half) {
        this.forgetAnswer(s, flight);
        this.ask(s, flight);
      }
      if (at === READ.answered || at === READ.filled) s[w.rIdentified + flight] = 0;
    });
  }

  /** Whether a plain read stands between its two commands. */
  isHalfway(s: State): boolean {
    const { world: w } = this;
    return w.flights.some((_, flight) => s[w.rAt + flight] === READ.half);
  }

  private stepsOf(flight: number): Step[] {
    const { world: w } = this;
    const { scenario } = w;
    const at = w.rAt + flight;
    const name = `read ${flight}`;
    const steps: Step[] = [];
    const add = (what: string, when: (s: State) => boolean, then: Step['then']) =>
      steps.push({ name: `${name}: ${what}`, when, then });

    if (w.callers.length === 0) {
      add(
        'begins',
        (s) => this.mayBegin(s, flight),
        (s) => this.begin(s, flight, false),
      );
      if (scenario.snapshotLoads)
        add(
          'begins in a transaction',
          (s) => this.mayBegin(s, flight),
          (s) => this.begin(s, flight, true),
        );
    }
    if (scenario.plainReads) {
      const [first, second] = w.rules.plainReadsPositionFirst
        ? (['HMGET M', 'GET V'] as const)
        : (['GET V', 'HMGET M'] as const);
      const run = (s: State, command: string) =>
        command === 'GET V' ? this.readValue(s, flight) : this.readPosition(s, flight);
      add(
        first,
        (s) => s[at] === READ.plain,
        (s) => {
          if (this.view.isIdentifiedOnServer(s, w.flights[flight]!)) s[w.rIdentified + flight] = 1;
          run(s, first);
          s[at] = READ.half;
        },
      );
      add(
        second,
        (s) => s[at] === READ.half,
        (s) => {
          run(s, second);
          s[at] = READ.plainAnswered;
        },
      );
      add(
        'gets the plain answer',
        (s) => s[at] === READ.plainAnswered,
        (s) => this.takePlain(s, flight),
      );
    }
    add(
      'GETL',
      (s) => s[at] === READ.asking && !this.isCutOff(s, flight) && !this.waitsInVain(s, flight),
      (s) => this.serveAsk(s, flight, false, false),
    );
    add(
      'GETL after a lease ended',
      (s) => s[at] === READ.asking && !this.isCutOff(s, flight) && this.isHeld(s, flight),
      (s) => this.serveAsk(s, flight, true, false),
    );
    if (scenario.partitions) {
      add(
        'GETL is refused',
        (s) => s[at] === READ.asking && this.isCutOff(s, flight),
        (s) => {
          this.view.refused(s, w.flights[flight]!);
          this.load(s, flight, READ.loadedAlone);
        },
      );
      add(
        'FILL is refused',
        (s) => s[at] === READ.loaded && this.isCutOff(s, flight),
        (s) => {
          this.view.refused(s, w.flights[flight]!);
          return this.end(s, flight, s[w.rLoaded + flight]!, this.coverOfLoad(s, flight));
        },
      );
    }
    if (scenario.refreshes)
      add(
        'GETL with force',
        (s) => s[at] === READ.asking && s[w.vFresh] === 1,
        (s) => this.serveAsk(s, flight, true, true),
      );
    add(
      'gets the answer',
      (s) => s[at] === READ.answered,
      (s) => this.takeAnswer(s, flight),
    );
    if (scenario.duplicates)
      add(
        'GETL arrives again',
        (s) =>
          (s[at] === READ.answered && s[w.rKind + flight] === REPLY.lease) ||
          (s[at] === READ.loaded && !w.rules.loadAwaitsItsLease),
        (s) => void this.server.getOrLease(s, this.known(s, flight), this.token(s, flight), false, false),
      );
    if (scenario.laggingLoads)
      add(
        'gets the answer and loads from a lagging replica',
        (s) => s[at] === READ.answered && s[w.rKind + flight] === REPLY.lease && s[w.db]! > 0,
        (s) => {
          s[w.rFloor + flight] = 0;
          this.takeAnswer(s, flight);
          s[w.rLoaded + flight]!--;
        },
      );
    if (w.callers.length > 0)
      add(
        'waits no more',
        (s) => s[at] === READ.asking,
        (s) => this.load(s, flight, READ.loadedAlone),
      );
    add(
      'FILL',
      (s) =>
        s[at] === (this.hasCallers ? READ.filling : READ.loaded) &&
        this.mayFill(s, flight) &&
        !this.isCutOff(s, flight),
      (s) => {
        this.serveFill(s, flight);
        // nothing else can happen to an answer that only ends the read: one step
        if (!this.hasCallers && w.instances === 0) return this.takeFilled(s, flight);
      },
    );
    if (this.hasCallers)
      add(
        'sends FILL',
        (s) => s[at] === READ.loaded && this.mayFill(s, flight),
        (s) => {
          s[at] = READ.filling;
          this.cover(s, flight, COVER.operation);
        },
      );
    if (scenario.snapshotLoads)
      add(
        'ends without FILL',
        (s) => s[at] === READ.loaded && !this.mayFill(s, flight),
        (s) => this.end(s, flight, s[w.rLoaded + flight]!, this.coverOfLoad(s, flight)),
      );
    add(
      'gets the answer to FILL',
      (s) => s[at] === READ.filled,
      (s) => this.takeFilled(s, flight),
    );
    if (scenario.losesAnswers)
      add(
        'gets no answer to FILL',
        (s) => s[at] === READ.filled,
        (s) => this.end(s, flight, s[w.rLoaded + flight]!, this.coverOfLoad(s, flight)),
      );
    if (scenario.loadsFail)
      add(
        'fails to load',
        (s) => s[at] === READ.loaded,
        (s) => {
          this.server.release(s, this.known(s, flight), this.token(s, flight));
          this.forget(s, flight);
        },
      );
    add(
      'ends with a load',
      (s) => s[at] === READ.loadedAlone,
      (s) => this.end(s, flight, s[w.rLoaded + flight]!, this.coverOfLoad(s, flight)),
    );
    return steps;
  }

  private get hasCallers(): boolean {
    return this.world.callers.length > 0;
  }

  private known(s: State, flight: number): number {
    return this.view.knownInc(s, this.world.flights[flight]!);
  }

  private token(s: State, flight: number): number {
    const { world: w } = this;
    if (!w.rules.tokenPerLoad) return 100 + w.flights[flight]!;
    return 1 + flight * (w.scenario.runs ?? 1) + s[w.rRuns + flight]!;
  }

  // --- beginning

  private mayBegin(s: State, flight: number): boolean {
    const { world: w } = this;
    return (
      s[w.rAt + flight] === READ.idle && s[w.rRuns + flight]! < (w.scenario.runs ?? 1) && !this.bypasses(s, flight)
    );
  }

  private bypasses(s: State, flight: number): boolean {
    const { world: w } = this;
    const instance = w.flights[flight]!;
    return w.rules.pendingEvictBypasses && instance < w.instances && s[w.kPending + instance]! > 0;
  }

  private begin(s: State, flight: number, inTransaction: boolean): void {
    const { world: w } = this;
    const instance = w.flights[flight]!;
    s[w.rRuns + flight]!++;
    s[w.rFloor + flight] = s[w.floor]!;
    s[w.rSnapshot + flight] = inTransaction ? s[w.db]! + 1 : 0;
    if (w.scenario.plainReads && instance < w.instances) {
      s[w.rAt + flight] = READ.plain;
      s[w.rIdentified + flight] = this.view.isIdentified(s, instance) ? 1 : 0;
      s[w.rFloor + flight] = this.view.floorOf(s, instance);
      if (w.scenario.rollbacks) s[w.rHigh + flight] = s[w.kHigh + instance]!;
      this.cover(s, flight, COVER.operation);
    } else {
      this.ask(s, flight);
    }
  }

  private ask(s: State, flight: number): void {
    s[this.world.rAt + flight] = READ.asking;
    this.cover(s, flight, COVER.operation);
  }

  // --- plain reads

  /** Where the data stands that the flight's connection leads to: the master's, or that of one which was cut off. */
  private dataOf(s: State, flight: number): number {
    const { world: w } = this;
    const instance = w.flights[flight]!;
    return instance < w.instances && s[w.kCutOff + instance] ? w.saved - w.dataStart : 0;
  }

  private isCutOff(s: State, flight: number): boolean {
    return this.dataOf(s, flight) !== 0;
  }

  private readPosition(s: State, flight: number): void {
    const { world: w } = this;
    const data = this.dataOf(s, flight);
    s[w.rInc + flight] = s[data + w.mInc]!;
    s[w.rSeq + flight] = s[data + w.mSeq]!;
    s[w.rMarkSeq + flight] = s[data + w.mMarkSeq]!;
  }

  private readValue(s: State, flight: number): void {
    const { world: w } = this;
    const data = this.dataOf(s, flight);
    s[w.rValue + flight] = s[data + w.vValue]!;
    s[w.rVInc + flight] = s[data + w.vInc]!;
    s[w.rStamp + flight] = s[data + w.vStamp]!;
    s[w.rFresh + flight] = s[data + w.vFresh]!;
  }

  private takePlain(s: State, flight: number): string | undefined {
    const { world: w } = this;
    const read = {
      identified: s[w.rIdentified + flight] === 1,
      inc: s[w.rInc + flight]!,
      seq: s[w.rSeq + flight]!,
      high: s[w.rHigh + flight]!,
      markSeq: s[w.rMarkSeq + flight]!,
      value: s[w.rValue + flight]!,
      vInc: s[w.rVInc + flight]!,
      stamp: s[w.rStamp + flight]!,
      fresh: s[w.rFresh + flight] === 1,
    };
    if (this.view.admits(s, w.flights[flight]!, read)) return this.hit(s, flight);
    this.forgetAnswer(s, flight);
    this.ask(s, flight);
  }

  private hit(s: State, flight: number): string | undefined {
    const { world: w } = this;
    const value = s[w.rValue + flight]! - 1;
    this.keep(s, flight, value);
    return this.end(s, flight, value, COVER.operation);
  }

  private keep(s: State, flight: number, value: number): void {
    const { world: w } = this;
    const entry = { value, stamp: s[w.rStamp + flight]!, inc: s[w.rInc + flight]!, seq: s[w.rSeq + flight]! };
    this.view.keep(s, w.flights[flight]!, entry, s[w.rPoisoned + flight] === 1);
  }

  // --- leases

  private isHeld(s: State, flight: number): boolean {
    const { world: w } = this;
    return s[w.sToken] !== 0 && s[w.sToken] !== this.token(s, flight);
  }

  /** A wait changes nothing but who is covered, so without callers it is no step. */
  private waitsInVain(s: State, flight: number): boolean {
    const { world: w } = this;
    if (this.hasCallers || !this.isHeld(s, flight)) return false;
    return (
      !(this.server.isLive(s) && s[w.vFresh]) &&
      !this.server.isForeign(s, this.known(s, flight)) &&
      !this.server.refusesLeases(s)
    );
  }

  private serveAsk(s: State, flight: number, takesOver: boolean, force: boolean): void {
    const { world: w } = this;
    s[w.rKind + flight] = this.server.getOrLease(s, this.known(s, flight), this.token(s, flight), takesOver, force);
    this.readPosition(s, flight);
    if (s[w.rKind + flight] === REPLY.hit) this.readValue(s, flight);
    s[w.rMarkSeq + flight] = s[w.rVInc + flight] = s[w.rFresh + flight] = 0;
    s[w.rIdentified + flight] = 1;
    s[w.rAt + flight] = READ.answered;
  }

  private takeAnswer(s: State, flight: number): string | undefined {
    const { world: w } = this;
    const kind = s[w.rKind + flight];
    this.answered(s, flight);
    if (kind === REPLY.hit) return this.hit(s, flight);
    this.forgetAnswer(s, flight);
    if (kind === REPLY.wait) this.ask(s, flight);
    else this.load(s, flight, kind === REPLY.lease ? READ.loaded : READ.loadedAlone);
  }

  /** Every function identifies the server first, so its answer identifies the connection that it came by. */
  private answered(s: State, flight: number): void {
    const { world: w } = this;
    const instance = w.flights[flight]!;
    this.view.observe(s, instance, s[w.rInc + flight]!);
    this.view.sawPosition(s, instance, s[w.rInc + flight]!, s[w.rSeq + flight]!);
    if (instance < w.instances && s[w.rIdentified + flight]) s[w.kIdentified + instance] = 1;
  }

  // --- loads and fills

  /** The load is read from the database as it begins: later would only be fresher. */
  private load(s: State, flight: number, next: number): void {
    const { world: w } = this;
    const snapshot = s[w.rSnapshot + flight]!;
    s[w.rLoaded + flight] = snapshot ? snapshot - 1 : s[w.db]!;
    s[w.rAt + flight] = next;
    this.cover(s, flight, COVER.load);
  }

  private mayFill(s: State, flight: number): boolean {
    const { world: w } = this;
    return !s[w.rSnapshot + flight] || !w.rules.snapshotLoadIsNotFilled;
  }

  private serveFill(s: State, flight: number): void {
    const { world: w } = this;
    const stamp = this.server.fill(s, this.known(s, flight), this.token(s, flight), s[w.rLoaded + flight]!);
    this.readPosition(s, flight);
    s[w.rMarkSeq + flight] = 0;
    s[w.rStamp + flight] = stamp;
    s[w.rIdentified + flight] = 1;
    s[w.rAt + flight] = READ.filled;
  }

  private takeFilled(s: State, flight: number): string | undefined {
    const { world: w } = this;
    const value = s[w.rLoaded + flight]!;
    this.answered(s, flight);
    const isAccepted = s[w.rStamp + flight]! > 0;
    if (isAccepted) this.keep(s, flight, value);
    return this.end(s, flight, value, isAccepted ? COVER.operation : this.coverOfLoad(s, flight));
  }

  // --- endings

  private end(s: State, flight: number, value: number, by: number): string | undefined {
    const { world: w } = this;
    const floor = s[w.rFloor + flight]!;
    const isSnapshot = s[w.rSnapshot + flight]! > 0;
    this.forget(s, flight);
    // who reads in an old transaction means to see its snapshot
    if (!this.hasCallers)
      return value < floor && !isSnapshot ? `a read that began at ${floor} got ${value}` : undefined;
    let broken: string | undefined;
    w.callers.forEach((_, caller) => {
      if (s[w.cAt + caller] !== CALLER.waiting || s[w.cFlight + caller] !== flight) return;
      const cover = s[w.cCover + caller]!;
      s[w.cFlight + caller] = NO_FLIGHT;
      s[w.cCover + caller] = 0;
      if (!this.mayTake(cover, by)) return;
      const callerFloor = s[w.cFloor + caller]!;
      s[w.cAt + caller] = CALLER.served;
      s[w.cFloor + caller] = s[w.cFlight + caller] = 0;
      if (value < callerFloor && !(isSnapshot && cover & COVER.owner))
        broken = `caller ${caller}, who arrived at ${callerFloor}, got ${value}`;
    });
    return broken;
  }

  private mayTake(cover: number, by: number): boolean {
    const { rules } = this.world;
    if (by === COVER.operation && !rules.joinNeedsArrival) return true;
    if (by === COVER.load && !rules.joinOfLoadNeedsItsStart) return true;
    return (cover & by) !== 0 || (cover & COVER.owner) !== 0;
  }

  /** Who may share a load that did not fill. */
  private coverOfLoad(s: State, flight: number): number {
    const { world: w } = this;
    return s[w.rSnapshot + flight] && w.rules.snapshotLoadIsPrivate ? COVER.owner : COVER.load;
  }

  private forgetAnswer(s: State, flight: number): void {
    const { world: w } = this;
    for (const first of [
      w.rKind,
      w.rInc,
      w.rSeq,
      w.rMarkSeq,
      w.rValue,
      w.rVInc,
      w.rStamp,
      w.rFresh,
      w.rHigh,
      w.rIdentified,
    ])
      s[first + flight] = 0;
  }

  private forget(s: State, flight: number): void {
    const { world: w } = this;
    this.forgetAnswer(s, flight);
    for (const first of [w.rAt, w.rFloor, w.rPoisoned, w.rSnapshot, w.rLoaded]) s[first + flight] = 0;
  }

  // --- callers

  private cover(s: State, flight: number, by: number): void {
    const { world: w } = this;
    for (let caller = 0; caller < w.callers.length; caller++)
      if (s[w.cAt + caller] === CALLER.waiting && s[w.cFlight + caller] === flight) s[w.cCover + caller]! |= by;
  }

  private stepsOfCaller(caller: number): Step[] {
    const { world: w } = this;
    const steps: Step[] = [];
    const isFree = (s: State) =>
      s[w.cAt + caller] === CALLER.absent ||
      (s[w.cAt + caller] === CALLER.waiting && s[w.cFlight + caller] === NO_FLIGHT);
    const arrive = (s: State, flight: number, cover: number) => {
      if (s[w.cAt + caller] === CALLER.absent) s[w.cFloor + caller] = s[w.floor]!;
      s[w.cAt + caller] = CALLER.waiting;
      s[w.cFlight + caller] = flight;
      s[w.cCover + caller] = cover;
    };
    w.flights.forEach((instance, flight) => {
      if (instance !== w.callers[caller]) return;
      for (const inTransaction of w.scenario.snapshotLoads ? [false, true] : [false])
        steps.push({
          name: `caller ${caller} begins read ${flight}${inTransaction ? ' in a transaction' : ''}`,
          when: (s) => isFree(s) && this.mayBegin(s, flight),
          then: (s) => {
            arrive(s, flight, COVER.owner);
            this.begin(s, flight, inTransaction);
          },
        });
      steps.push({
        name: `caller ${caller} joins read ${flight}`,
        when: (s) => isFree(s) && s[w.rAt + flight] !== READ.idle,
        then: (s) => arrive(s, flight, 0),
      });
    });
    return steps;
  }
}
