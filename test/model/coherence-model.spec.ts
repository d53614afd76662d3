import { afterAll, describe, expect, it } from '@jest/globals';
import { mutations, secondDefences } from './mutations.js';
import { type Rule, ruleNames } from './rules.js';
import { run } from './run.js';
import { scenarios } from './scenarios.js';

/** What has to be visited in all for the absence of violations to mean something. */
const LEAST_STATES = 3_000_000;

/** One scenario alone, with its trace: `SCENARIO=local WITHOUT=gapFlushes`. */
const { SCENARIO: only, WITHOUT: without } = process.env;

const write = (line: string) => process.stdout.write(`${line}\n`);

(only ? describe : describe.skip)('the scenario that was asked for', () => {
  it('is explored', () => {
    const scenario = scenarios.find(({ name }) => name === only)!;
    const { report, violation } = run(scenario, (without?.split(',') ?? []) as Rule[]);
    write(report);
    expect(violation === null).toBe(without === undefined);
  });
});

(only ? describe.skip : describe)('the protocol', () => {
  let states = 0;
  const idle = new Map<string, boolean>();

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    'keeps its promises in every interleaving of "%s"',
    (_, scenario) => {
      const result = run(scenario);
      states += result.states;
      write(result.report);
      for (const step of stepsOf(result)) idle.set(step.kind, (idle.get(step.kind) ?? true) && step.isIdle);
      expect(result.violation).toBeNull();
      expect(result.isComplete).toBe(true);
    },
    120_000,
  );

  it(`is explored in at least ${LEAST_STATES} states`, () => expect(states).toBeGreaterThanOrEqual(LEAST_STATES));

  it('is explored in every kind of step', () => {
    expect([...idle].filter(([, isIdle]) => isIdle).map(([kind]) => kind)).toEqual([]);
  });

  afterAll(() => {
    write(`the protocol: ${states} states in ${scenarios.length} scenarios`);
  });
});

(only ? describe.skip : describe)('without a rule', () => {
  it.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
    'a promise is broken: %s',
    (_, { name, off, scenario }) => {
      const { violation, states } = run(
        scenarios.find((candidate) => candidate.name === scenario)!,
        off,
      );
      write(`${name}: ${violation ? `caught in ${violation.trace.length} steps, ${states} states` : 'NOT CAUGHT'}`);
      expect(violation).not.toBeNull();
    },
    120_000,
  );

  it.each(ruleNames)('%s is missed, or known as a second defence', (rule) => {
    const isMissed = mutations.some(({ off }) => off.length === 1 && off[0] === rule);
    expect(isMissed).toBe(secondDefences[rule] === undefined);
  });
});

/** A step's kind is its name without the numbers of who takes it. */
function stepsOf(result: { idle: readonly string[]; steps: readonly string[] }): { kind: string; isIdle: boolean }[] {
  return result.steps.map((name) => ({ kind: name.replace(/\d+/g, 'n'), isIdle: result.idle.includes(name) }));
}
