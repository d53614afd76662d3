import type { Step } from './explore.js';
import type { State } from './layout.js';
import type { ReaderModel } from './readers.js';
import { FENCE, type ServerModel } from './server.js';
import { FAULTS, type World } from './world.js';

type Fault = (typeof FAULTS)[number];

/** What befalls Redis, and time. */
export class FaultModel {
  constructor(
    private readonly world: World,
    private readonly server: ServerModel,
    private readonly readers: ReaderModel,
  ) {}

  steps(): Step[] {
    const { world: w } = this;
    const { scenario } = w;
    const steps: Step[] = [];
    const add = (name: string, when: Step['when'], then: Step['then']) => steps.push({ name, when, then });
    const fault = (
      name: Fault,
      times: number | undefined,
      then: (s: State) => void,
      when: Step['when'] = () => true,
    ) => {
      if (!times) return;
      const count = w.faults + FAULTS.indexOf(name);
      add(
        name,
        (s) => s[count]! < times && when(s),
        (s) => {
          s[count]!++;
          then(s);
        },
      );
    };
    const movesMaster = (scenario.failovers ?? 0) + (scenario.partitions ?? 0) + (scenario.rollbacks ?? 0) > 0;

    fault(
      'failover',
      scenario.failovers,
      (s) => this.failover(s),
      (s) => scenario.unsynchronised === true || (s[w.savedOnce] === 1 && !this.leavesNoTrace(s)),
    );
    fault('restart', scenario.restarts, (s) => this.restart(s));
    fault('flushAll', scenario.flushAlls, (s) => this.lose(s, w.dataStart, w.dataEnd));
    fault('loseBucket', scenario.losesBucket, (s) => this.lose(s, w.mBoot, w.dataEnd));
    fault('reload', scenario.reloads, (s) => this.reload(s));
    fault(
      'partition',
      scenario.partitions,
      (s) => this.cutOff(s),
      (s) => s[w.savedOnce] === 1 && !s[w.kCutOff],
    );
    // both commands of a plain read are one write, which the server runs at a stretch
    fault(
      'rollback',
      scenario.rollbacks,
      (s) => this.rollBack(s),
      (s) => this.maySave(s) && !this.readers.isHalfway(s),
    );
    if (scenario.partitions)
      add(
        'the instance that was cut off connects to the new master',
        (s) => s[w.kCutOff] === 1,
        (s) => {
          s[w.kCutOff] = 0;
          this.connectionsLost(s);
        },
      );
    if (scenario.turns) this.addTurns(add, scenario.turns, scenario.suspends === true);
    if ((movesMaster || scenario.restarts) && scenario.replicates !== false) {
      const countOf = (name: Fault) => w.faults + FAULTS.indexOf(name);
      const [failovers, restarts] = [countOf('failover'), countOf('restart')];
      const [partitions, rollbacks] = [countOf('partition'), countOf('rollback')];
      const left = (s: State) =>
        s[failovers]! < (scenario.failovers ?? 0) ||
        s[restarts]! < (scenario.restarts ?? 0) ||
        s[partitions]! < (scenario.partitions ?? 0) ||
        s[rollbacks]! < (scenario.rollbacks ?? 0);
      add(
        movesMaster ? 'the replica catches up' : 'the data is saved',
        (s) => left(s) && this.maySave(s),
        (s) => this.save(s),
      );
    }
    if (scenario.losesValue)
      add(
        'V is lost',
        (s) => s[w.vValue]! > 0,
        (s) => void s.fill(0, w.vValue, w.vFresh + 1),
      );
    if (scenario.losesSide)
      add(
        'S is lost',
        (s) => this.hasSide(s),
        (s) => void s.fill(0, w.sToken, w.sPlainAge + 1),
      );
    if (scenario.losesSideUnderFence)
      add(
        'S is lost',
        (s) => this.hasSide(s) && this.server.aFenceStands(s),
        (s) => void s.fill(0, w.sToken, w.sPlainAge + 1),
      );
    if (scenario.collects)
      add(
        'the tag stamp is collected',
        (s) => s[w.mTag]! > 0,
        (s) => this.server.collect(s),
      );
    if (scenario.timePasses) {
      const ages = this.agesOf();
      add(
        'time passes',
        (s) => {
          for (const age of ages) if (s[age]! > 0) return true;
          return false;
        },
        (s) => this.age(s, ages),
      );
    }
    if (scenario.fenceAfterFailover)
      add(
        'all old fences have run out',
        (s) => s[w.mHold] === 1,
        (s) => this.endHold(s),
      );
    if (!w.rules.stampsAreCounted)
      add(
        'the clock steps back',
        (s) => s[w.hostClock] === 3,
        (s) => void (s[w.hostClock] = 1),
      );
    return steps;
  }

  private hasSide(s: State): boolean {
    const { world: w } = this;
    for (let n = w.sToken; n <= w.sPlainAge; n++) if (s[n]) return true;
    return false;
  }

  private maySave(s: State): boolean {
    const { world: w } = this;
    if (!s[w.savedOnce]) return true;
    for (let n = w.dataStart; n < w.dataEnd; n++) if (s[n] !== s[n - w.dataStart + w.saved]) return true;
    return false;
  }

  private save(s: State): void {
    const { world: w } = this;
    s.copyWithin(w.saved, w.dataStart, w.dataEnd);
    s[w.savedOnce] = 1;
  }

  /** The other server takes over with what it has. */
  private failover(s: State): void {
    const { world: w } = this;
    s[w.server] = 1 - s[w.server]!;
    if (w.scenario.unsynchronised) this.exchange(s);
    else s.copyWithin(w.dataStart, w.saved, w.saved + w.dataEnd - w.dataStart);
    s[w.savedOnce] = 0;
    this.connectionsLost(s);
    this.fencesLost(s);
  }

  /**
   * The server to be promoted would find exactly what it left, though another was master and ran functions meanwhile.
   * Only callers that saw the other one could know (see unsynchronised): the protocol promises nothing to the rest.
   */
  private leavesNoTrace(s: State): boolean {
    const { world: w } = this;
    const server = s[w.server]!;
    const distance = w.saved - w.dataStart;
    return (
      s[w.mBoot] === s[w.boot + server] &&
      s[w.mBoot + distance] === s[w.boot + 1 - server] &&
      s[w.mSeq + distance] === s[w.memory + 1 - server]
    );
  }

  /** The master keeps its data and its connection to instance 0; all others go on with the other server. */
  private cutOff(s: State): void {
    const { world: w } = this;
    s[w.server] = 1 - s[w.server]!;
    this.exchange(s);
    s[w.kCutOff] = 1;
    for (let instance = 1; instance < w.instances; instance++) s[w.kIdentified + instance] = 0;
    this.fencesLost(s);
  }

  /**
   * Demoted and promoted again without a disconnect: the process is the same, and remembers, the data is the other
   * server's.
   */
  private rollBack(s: State): void {
    const { world: w } = this;
    s.copyWithin(w.dataStart, w.saved, w.saved + w.dataEnd - w.dataStart);
    this.fencesLost(s);
  }

  /** D passes, for all; or while an instance stands still, by whose first clock nothing has happened. */
  private addTurns(
    add: (name: string, when: Step['when'], then: Step['then']) => void,
    turns: number,
    suspends: boolean,
  ): void {
    const { world: w } = this;
    const older = (s: State, at: number) => void (s[at] = Math.min(2, s[at]! + 1));
    const pass = (s: State, suspended: number) => {
      s[w.turns]!++;
      s[w.floorBefore] = s[w.floorOfTurn]!;
      s[w.floorOfTurn] = s[w.floor]!;
      for (let instance = 0; instance < w.instances; instance++) {
        const isPolling = s[w.pAt + instance]! > 0;
        older(s, w.kWallAge + instance);
        if (isPolling) older(s, w.pWallAge + instance);
        if (instance === suspended) continue;
        older(s, w.kAge + instance);
        if (isPolling) older(s, w.pAge + instance);
      }
    };
    const mayPass = (s: State) => s[w.turns]! < turns;
    add('D passes', mayPass, (s) => pass(s, -1));
    if (!suspends) return;
    for (let instance = 0; instance < w.instances; instance++)
      add(`D passes while instance ${instance} is suspended`, mayPass, (s) => pass(s, instance));
  }

  /** Each server keeps its own data. */
  private exchange(s: State): void {
    const { world: w } = this;
    const data = s.slice(w.dataStart, w.dataEnd);
    s.copyWithin(w.dataStart, w.saved, w.saved + data.length);
    s.set(data, w.saved);
  }

  private restart(s: State): void {
    const { world: w } = this;
    this.reload(s);
    s.copyWithin(w.dataStart, w.saved, w.saved + w.dataEnd - w.dataStart);
    this.connectionsLost(s);
    this.fencesLost(s);
  }

  private reload(s: State): void {
    const { world: w } = this;
    s[w.lastBoot]!++;
    s[w.boot + s[w.server]!] = s[w.lastBoot]!;
    s[w.memory + s[w.server]!] = 0;
  }

  private lose(s: State, from: number, to: number): void {
    s.fill(0, from, to);
    this.fencesLost(s);
  }

  private connectionsLost(s: State): void {
    const { world: w } = this;
    this.readers.connectionLost(s);
    for (let instance = 0; instance < w.instances; instance++) {
      s[w.kIdentified + instance] = 0;
      s[w.pSameConnection + instance] = 0;
      // a poll that was not answered is sent again: it counts from then
      if (s[w.pAt + instance] === 1)
        for (const first of [w.pAt, w.pFloor, w.pVoid, w.pAge, w.pWallAge]) s[first + instance] = 0;
    }
  }

  /**
   * A fence that the new data does not hold protects nobody: its writer's promise ends (T10), unless the option holds
   * it up.
   */
  private fencesLost(s: State): void {
    const { world: w } = this;
    if (w.scenario.fenceAfterFailover) return;
    for (let n = 0; n < w.writers; n++) if (s[w.fState + this.server.fenceOf(n)] !== FENCE.standing) s[w.wSafe + n] = 0;
  }

  private endHold(s: State): void {
    const { world: w } = this;
    const distance = w.saved - w.dataStart;
    s[w.mHold] = s[w.mHold + distance] = 0;
    for (let n = 0; n < w.writers; n++) {
      s[w.wSafe + n] = 0;
      for (const fence of [w.fState + n, w.fState + n + distance])
        if (s[fence] === FENCE.standing) s[fence] = FENCE.expired;
    }
    this.server.forgetCount(s);
  }

  private agesOf(): number[] {
    const { world: w } = this;
    const data = [w.sTombAge, w.sPlainAge, w.mMarkAge, w.mIncAge];
    const events = w.scenario.writers.flatMap((spec, n) => (spec.kind === 'eventPut' ? [w.wAge + n] : []));
    return [...data, ...data.map((age) => age - w.dataStart + w.saved), ...events];
  }

  /** Half the life of a tombstone. */
  private age(s: State, ages: readonly number[]): void {
    const { world: w } = this;
    const isHeld = w.rules.fenceProlongsInvalidation && this.server.aFenceStands(s);
    for (const age of ages) if (s[age]! > 0 && !(isHeld && age === w.sPlainAge)) s[age]!--;
    for (const base of [0, w.saved - w.dataStart]) if (!s[w.sTombAge + base]) s[w.sTomb + base] = 0;
  }
}
