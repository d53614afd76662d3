import { afterSteps, type Model, type Step } from '../explore.js';
import type { State } from '../layout.js';
import { Calls } from './calls.js';
import { Reads } from './reads.js';
import { type Rules, without } from './rules.js';
import type { CompositionScenario } from './scenario.js';
import { Server } from './server.js';
import { View } from './view.js';
import { World } from './world.js';

/** Entries that are made of one another, in one scenario. */
export class CompositionModel implements Model {
  readonly initial: State;
  readonly steps: readonly Step[];
  private readonly world: World;
  private readonly server: Server;

  constructor(scenario: CompositionScenario, rules: Rules = without()) {
    this.world = new World(scenario, rules);
    this.server = new Server(this.world);
    const view = new View(this.world);
    this.steps = [
      ...new Calls(this.world, this.server, view).steps(),
      ...new Reads(this.world, this.server, view).steps(),
      ...view.steps(),
      ...this.faults(),
    ];
    this.initial = afterSteps(this.steps, scenario.prefix, this.world.initial());
  }

  changes(before: State, after: State): string {
    return this.world.changes(before, after);
  }

  /** What Redis would answer now, to anybody. */
  broken(s: State): string | undefined {
    const { world: w } = this;
    for (let key = 0; key < w.keys; key++) {
      const value = s[w.vValue + key]! - 1;
      if (value >= 0 && value < s[w.floor + key]! && s[w.vFresh + key] && this.server.isLive(s, key))
        return `key ${key} is of ${value}, though what it is made of was evicted at ${s[w.floor + key]}, and acknowledged`;
    }
    return undefined;
  }

  private faults(): Step[] {
    const { world: w, server } = this;
    const { scenario } = w;
    const steps: Step[] = [];
    const expiry = (name: string, at: number, then: (s: State) => void) =>
      steps.push({
        name: `${name} runs out`,
        when: (s) => s[at] === 1 && s[w.expiries]! < scenario.expiries!,
        then: (s) => {
          s[w.expiries]!++;
          then(s);
        },
      });
    for (let call = 0; scenario.expiries && call < w.calls; call++) {
      // a strict fence that its write outlives is not covered
      if (scenario.calls[call]!.strict) continue;
      for (let key = 0; key < w.keys; key++) {
        const fence = server.fenceAt(key, call);
        expiry(`fence of call ${call} at key ${key}`, fence, (s) => server.dropFence(s, key, fence));
      }
      for (let bucket = 0; bucket < w.buckets; bucket++) {
        const hold = server.holdAt(bucket, call);
        expiry(`hold of call ${call} in bucket ${bucket}`, hold, (s) => void (s[hold] = 0));
      }
    }
    for (let bucket = 0; scenario.failovers && bucket < w.buckets; bucket++)
      steps.push({
        name: `bucket ${bucket} fails over`,
        when: (s) => s[w.failovers]! < scenario.failovers!,
        then: (s) => {
          s[w.failovers]!++;
          server.failOver(s, bucket);
        },
      });
    if (scenario.servesStale)
      for (let key = 0; key < w.keys; key++)
        steps.push({
          name: `key ${key} goes stale`,
          when: (s) => server.isLive(s, key) && s[w.vFresh + key] === 1,
          then: (s) => void (s[w.vFresh + key] = 0),
        });
    return steps;
  }
}
