import type { Looked } from './answers.js';
import type { Step } from './explore.js';
import type { State } from './layout.js';
import type { Packing } from './packing.js';
import { watch } from './watch.js';

/** What a step does, in all states that look alike to it. */
export class Outcome {
  /** For each word that changes three numbers: which one, the bits that stay, the bits that are new. */
  changes = new Int32Array();

  constructor(
    /** Its number in the model. */
    readonly step: number,
    readonly broken: string | undefined,
    readonly writes: readonly (readonly [byte: number, value: number])[],
  ) {}

  packedBy(packing: Packing): void {
    const words = new Map<number, [stay: number, are: number]>();
    for (const [byte, value] of this.writes) {
      const word = packing.word[byte]!;
      const shift = packing.shift[byte]!;
      const [stay, are] = words.get(word) ?? [-1, 0];
      words.set(word, [stay & ~(packing.mask[byte]! << shift), are | (packing.codeOf(byte, value) << shift)]);
    }
    this.changes = Int32Array.from([...words].flatMap(([word, bits]) => [word, ...bits]));
  }
}

/** Steps of a model, with their numbers, that look at the same byte first. */
export type Group = readonly (readonly [number: number, step: Step])[];

/** The steps in groups of neighbours: their order is kept. */
export function groupsOf(steps: readonly Step[], state: State): Group[] {
  const groups: [number, Step][][] = [];
  let last: number | undefined;
  steps.forEach((step, number) => {
    const seen = watch(state);
    step.when(seen.state);
    const [first] = seen.looked;
    if (groups.length === 0 || first !== last) groups.push([]);
    groups.at(-1)!.push([number, step]);
    last = first;
  });
  return groups;
}

/** What the steps of a group do that are possible in a state. */
export function outcomesOf(group: Group, state: State): Looked<readonly Outcome[]> {
  const bytes = new Set<number>();
  const answer = group.flatMap(([number, step]) => {
    const seen = watch(state);
    const outcomes = step.when(seen.state)
      ? [new Outcome(number, step.then(seen.state) ?? undefined, seen.writes())]
      : [];
    seen.looked.forEach((byte) => bytes.add(byte));
    return outcomes;
  });
  return { answer, bytes };
}
