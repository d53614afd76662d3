import { afterAll, describe, expect, it } from '@jest/globals';
import { explore, type Exploration, type Model } from './explore.js';
import type { State } from './layout.js';

/** A model that can say, for people, what a step changed. */
export interface ReadableModel extends Model {
  changes(before: State, after: State): string;
}

/** Rules that are taken out together, and the scenario that has to notice. */
export interface Mutation<Rule> {
  readonly name: string;
  readonly off: readonly Rule[];
  readonly scenario: string;
}

/** A part of the model: small worlds, and what has to be missed in them. */
export interface Suite<Scenario extends { readonly name: string }, Rule extends string> {
  readonly title: string;
  readonly scenarios: readonly Scenario[];
  /** Those of other suites' scenarios are left out. */
  readonly mutations: readonly Mutation<Rule>[];
  /** What has to be visited in all for the absence of violations to mean something. */
  readonly leastStates: number;
  modelOf(scenario: Scenario, off: readonly Rule[]): ReadableModel;
}

/** One scenario alone, with its trace: `SCENARIO=local WITHOUT=gapFlushes`. */
const { SCENARIO: only, WITHOUT: without } = process.env;

const write = (line: string) => process.stdout.write(`${line}\n`);

/** Explores each scenario with all rules, and each mutation without some. */
export function checks<Scenario extends { readonly name: string }, Rule extends string>(
  suite: Suite<Scenario, Rule>,
): void {
  const { title, scenarios, leastStates } = suite;
  const scenarioOf = (name: string) => scenarios.find((candidate) => candidate.name === name);
  const mutations = suite.mutations.filter(({ scenario }) => scenarioOf(scenario));

  if (only) {
    const asked = scenarioOf(only);
    (asked ? describe : describe.skip)('the scenario that was asked for', () => {
      it('is explored', () => {
        const off = (without?.split(',') ?? []) as Rule[];
        const model = suite.modelOf(asked!, off);
        const result = explore(model);
        write(reportOf(model, asked!.name, off, result));
        expect(result.violation === null).toBe(without === undefined);
      });
    });
    return;
  }

  describe(title, () => {
    let states = 0;
    const idle = new Map<string, boolean>();

    it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
      'keeps its promises in every interleaving of "%s"',
      (name, scenario) => {
        const model = suite.modelOf(scenario, []);
        const result = explore(model);
        states += result.states;
        write(reportOf(model, name, [], result));
        for (const step of model.steps) {
          const kind = kindOf(step.name);
          idle.set(kind, (idle.get(kind) ?? true) && result.idle.includes(step.name));
        }
        expect(result.violation).toBeNull();
        expect(result.isComplete).toBe(true);
      },
      120_000,
    );

    it(`is explored in at least ${leastStates} states`, () => {
      expect(states).toBeGreaterThanOrEqual(leastStates);
    });

    it('is explored in every kind of step', () => {
      expect([...idle].filter(([, isIdle]) => isIdle).map(([kind]) => kind)).toEqual([]);
    });

    afterAll(() => {
      write(`${title}: ${states} states in ${scenarios.length} scenarios`);
    });
  });

  describe(`${title}, without a rule`, () => {
    it.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
      'a promise is broken: %s',
      (_, { name, off, scenario }) => {
        const { violation, states } = explore(suite.modelOf(scenarioOf(scenario)!, off));
        write(`${name}: ${violation ? `caught in ${violation.trace.length} steps, ${states} states` : 'NOT CAUGHT'}`);
        expect(violation).not.toBeNull();
      },
      120_000,
    );
  });
}

/** Every rule is missed when it is taken out, or it is known what stands in for it. */
export function checksRules<Rule extends string>(
  ruleNames: readonly Rule[],
  mutations: readonly Mutation<Rule>[],
  secondDefences: Readonly<Partial<Record<Rule, string>>>,
): void {
  describe('the rules', () => {
    it.each(ruleNames)('%s is missed, or known as a second defence', (rule) => {
      const isMissed = mutations.some(({ off }) => off.length === 1 && off[0] === rule);
      expect(isMissed).toBe(secondDefences[rule] === undefined);
    });
  });
}

/** A step's kind is its name without the numbers of who takes it. */
function kindOf(step: string): string {
  return step.replace(/\d+/g, 'n');
}

function reportOf(model: ReadableModel, name: string, off: readonly string[], result: Exploration): string {
  const head = `${name}${off.length ? ` without ${off.join(', ')}` : ''}: ${result.states} states, ${result.transitions} steps`;
  if (!result.violation) return head;
  let before = model.initial;
  const lines = result.violation.trace.map(({ step, state }, n) => {
    const line = `${String(n + 1).padStart(3)}  ${step.padEnd(44)} ${model.changes(before, state)}`;
    before = state;
    return line;
  });
  return [head, ...lines, `BROKEN: ${result.violation.message}`].join('\n');
}
