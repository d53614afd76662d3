import { ChannelModel } from './channel.js';
import { afterSteps, type Model, type Step } from './explore.js';
import { FaultModel } from './faults.js';
import type { State } from './layout.js';
import { ReaderModel } from './readers.js';
import { allRules, type Rules } from './rules.js';
import type { Scenario } from './scenario.js';
import { ServerModel } from './server.js';
import { ViewModel } from './view.js';
import { World } from './world.js';
import { WriterModel } from './writers.js';

// looked up once (see explore.ts)
const { max } = Math;

/** The protocol at work in one scenario, with the promises that every state has to keep. */
export class CoherenceModel implements Model {
  readonly initial: State;
  readonly steps: readonly Step[];
  private readonly world: World;
  private readonly server: ServerModel;
  private readonly view: ViewModel;

  constructor(scenario: Scenario, rules: Rules = allRules()) {
    this.world = new World(scenario, rules);
    const channel = new ChannelModel(this.world);
    this.server = new ServerModel(this.world, channel);
    this.view = new ViewModel(this.world, this.server, channel);
    const readers = new ReaderModel(this.world, this.server, this.view);

    this.steps = [
      ...new WriterModel(this.world, this.server, this.view).steps(),
      ...readers.steps(),
      ...this.view.steps(),
      ...new FaultModel(this.world, this.server, readers).steps(),
    ];
    this.initial = afterSteps(this.steps, scenario.prefix, this.world.initial());
  }

  changes(before: State, after: State): string {
    return this.world.changes(before, after);
  }

  /** What a read that began now, and met no further step, would get: by function, plainly, from L1. */
  broken(s: State): string | undefined {
    const { world: w } = this;
    const value = s[w.vValue]! - 1;
    if (value >= 0 && s[w.vFresh] && value < s[w.floor]! && this.server.isLive(s) && !this.isForeignToAll(s))
      return `GETL would answer ${value}, though ${s[w.floor]} was acknowledged`;
    for (let instance = 0; instance < w.instances; instance++) {
      const message = this.brokenPlainRead(s, instance) ?? this.brokenLocalRead(s, instance);
      if (message !== undefined) return message;
    }
    return undefined;
  }

  /**
   * A caller without knowledge asks; where servers come back unsynchronised, only callers that saw the newer one are
   * promised anything.
   */
  private isForeignToAll(s: State): boolean {
    const { world: w } = this;
    let known = 0;
    if (w.scenario.unsynchronised) for (let n = 0; n < w.instances; n++) known = max(known, s[w.kMaxInc + n]!);
    return this.server.isForeign(s, known);
  }

  private brokenPlainRead(s: State, instance: number): string | undefined {
    const { world: w, view } = this;
    const data = s[w.kCutOff + instance] ? w.saved - w.dataStart : 0;
    const value = s[data + w.vValue]! - 1;
    const floor = view.floorOf(s, instance);
    if (!w.scenario.plainReads || value < 0 || value >= floor) return undefined;
    const read = {
      identified: view.isIdentified(s, instance),
      inc: s[data + w.mInc]!,
      seq: s[data + w.mSeq]!,
      high: s[w.kHigh + instance]!,
      markSeq: s[data + w.mMarkSeq]!,
      value: value + 1,
      vInc: s[data + w.vInc]!,
      stamp: s[data + w.vStamp]!,
      fresh: s[data + w.vFresh] === 1,
    };
    if (!view.admits(s, instance, read)) return undefined;
    return `a plain read of instance ${instance} would get ${value}, though ${floor} was acknowledged`;
  }

  private brokenLocalRead(s: State, instance: number): string | undefined {
    const { world: w } = this;
    const value = s[w.lValue + instance]! - 1;
    if (value < 0 || !s[w.kKnown + instance]) return undefined;
    if (w.rules.localSeesMarks && this.view.isMarked(s, instance, s[w.lStamp + instance]!)) return undefined;
    if (w.rules.pendingEvictBypasses && s[w.kPending + instance]) return undefined;
    if (w.scenario.turns && w.rules.localNeedsRecentProof && !this.view.isRecent(s, instance)) return undefined;
    if (w.scenario.turns && value < s[w.floorBefore]!)
      return `L1 of instance ${instance} serves ${value}, though ${s[w.floorBefore]} was acknowledged more than D ago`;
    if (value < s[w.kProven + instance]!)
      return `L1 of instance ${instance} serves ${value}, though ${s[w.kProven + instance]} was acknowledged before the poll that proved it`;
    if (value < s[w.kOwnFloor + instance]!)
      return `L1 of instance ${instance} serves ${value}, though the instance itself evicted at ${s[w.kOwnFloor + instance]}`;
    return undefined;
  }
}
