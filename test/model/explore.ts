import { Answers, type Looked } from './answers.js';
import type { State } from './layout.js';
import { groupsOf, type Outcome, outcomesOf } from './outcome.js';
import { Packing } from './packing.js';
import { StateSet } from './state-set.js';
import { watch } from './watch.js';

/** A guarded command: where `when` holds, `then` may happen, as one indivisible step. */
export interface Step {
  readonly name: string;
  when(state: State): boolean;
  /** Changes the state in place. Returns what it broke, if a promise of the protocol was broken by this step. */
  then(state: State): string | undefined | void;
}

/** Anything that can be explored. */
export interface Model {
  readonly initial: State;
  readonly steps: readonly Step[];
  /** Looked at in every state. Returns what is broken, if anything is. */
  broken(state: State): string | undefined;
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Steps that were never possible: what they stand for was not explored. */
  readonly idle: readonly string[];
  /** False: the limit was reached first. */
  readonly isComplete: boolean;
  /** With the shortest way to it. */
  readonly violation: { readonly message: string; readonly trace: readonly TracePoint[] } | null;
}

export interface TracePoint {
  readonly step: string;
  readonly state: State;
}

/**
 * Visits every state that can be reached, breadth first, and stops at the first violation: its trace is a shortest one.
 * Exact: states are compared bit by bit, never by a hash alone.
 */
export function explore(model: Model, maxStates = 8_000_000): Exploration {
  return new Explorer(model, maxStates).run();
}

class Explorer {
  private known: StateSet;
  /** What the steps do, and what the model says of the states after them. */
  private readonly groups: readonly Answers<readonly Outcome[]>[];
  private readonly verdicts: Answers<{ readonly broken: string | undefined }>;
  private readonly outcomes: Outcome[] = [];
  private readonly taken: Uint8Array;
  private transitions = 0;

  constructor(
    private readonly model: Model,
    private readonly maxStates: number,
  ) {
    const { steps, initial } = model;
    const packing = new Packing(initial);
    this.known = new StateSet(packing);
    this.groups = groupsOf(steps, initial).map((group) => new Answers((state) => outcomesOf(group, state), packing));
    this.verdicts = new Answers((state) => verdictOf(model, state), packing);
    this.taken = new Uint8Array(steps.length);
  }

  run(): Exploration {
    const { maxStates } = this;
    const { initial, steps } = this.model;
    // as long as a state can get
    const [before, after] = [new Int32Array(initial.length), new Int32Array(initial.length)];
    const possible: Outcome[] = [];

    this.known.add(before, -1);
    const atStart = this.model.broken(initial);
    if (atStart !== undefined) return this.end(atStart, 0);
    for (let from = 0; from < this.known.size; from++) {
      if (this.known.size > maxStates) break;
      const count = this.possibleAt(from, before, possible);
      const { known } = this;
      const { width } = known.packing;
      for (let at = 0; at < count; at++) {
        const { step, broken, changes } = possible[at]!;
        this.transitions++;
        this.taken[step] = 1;
        for (let word = 0; word < width; word++) after[word] = before[word]!;
        for (let n = 0; n < changes.length; n += 3) {
          const word = changes[n]!;
          after[word] = (after[word]! & changes[n + 1]!) | changes[n + 2]!;
        }
        if (broken !== undefined)
          return this.end(broken, from, { step: steps[step]!.name, state: known.packing.unpack(after) });
        if (!known.add(after, from)) continue;
        const verdict = this.verdicts.find(after) ?? this.verdicts.learn(after);
        if (verdict.broken !== undefined) return this.end(verdict.broken, known.size - 1);
      }
    }
    return this.end(undefined, 0);
  }

  /** Reads a state, and what can happen in it. @returns how much that is */
  private possibleAt(from: number, state: Int32Array, possible: Outcome[]): number {
    const { groups } = this;
    this.known.read(from, state);
    let count = 0;
    for (let n = 0; n < groups.length; n++) {
      const outcomes = groups[n]!.find(state);
      if (outcomes === undefined) {
        this.learn(groups[n]!, state);
        // the state may be packed otherwise now
        return this.possibleAt(from, state, possible);
      }
      for (let at = 0; at < outcomes.length; at++) possible[count++] = outcomes[at]!;
    }
    return count;
  }

  /** Asks the steps of a group, and makes room for what they write. */
  private learn(group: Answers<readonly Outcome[]>, state: Int32Array): void {
    const { packing } = this.known;
    const outcomes = group.learn(state);
    this.outcomes.push(...outcomes);
    for (const outcome of outcomes) outcome.packedBy(packing);
    const wider = packing.with(outcomes.flatMap(({ writes }) => writes));
    if (wider === packing) return;
    this.known = this.known.packedBy(wider);
    for (const each of [...this.groups, this.verdicts, ...this.outcomes]) each.packedBy(wider);
  }

  private end(message: string | undefined, from: number, last?: TracePoint): Exploration {
    const { model, known, taken, transitions, maxStates } = this;
    return {
      states: known.size,
      transitions,
      idle: model.steps.filter((_, n) => !taken[n]).map((step) => step.name),
      isComplete: message === undefined && known.size <= maxStates,
      violation: message === undefined ? null : { message, trace: traceOf(model, known, from, last) },
    };
  }
}

function verdictOf(model: Model, original: State): Looked<{ broken: string | undefined }> {
  const { state, looked } = watch(original);
  return { answer: { broken: model.broken(state) }, bytes: looked };
}

/** The state after steps of these names, a way to reach deep places cheaply. Changes `state` in place. */
export function afterSteps(steps: readonly Step[], names: readonly string[] = [], state: State): State {
  for (const name of names) {
    const step = steps.find((candidate) => candidate.name === name);
    if (!step?.when(state)) throw new Error(`"${name}" is not possible here`);
    step.then(state);
  }
  return state;
}

/** The way from the start to a state. Only parents are kept: the steps between are found by trying them again. */
function traceOf(model: Model, known: StateSet, to: number, last?: TracePoint): TracePoint[] {
  const trace = last ? [last] : [];
  for (let at = to; at > 0; at = known.parentOf(at)) {
    const state = known.get(at);
    const parent = known.get(known.parentOf(at));
    const step = model.steps.find((candidate) => {
      if (!candidate.when(parent)) return false;
      const next = parent.slice();
      candidate.then(next);
      return next.every((byte, n) => byte === state[n]);
    });
    trace.unshift({ step: step!.name, state });
  }
  return trace;
}
