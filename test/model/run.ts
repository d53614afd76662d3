import { CoherenceModel } from './coherence-model.js';
import { explore, type Exploration } from './explore.js';
import { type Rule, without } from './rules.js';
import type { Scenario } from './scenario.js';

/** Explores a scenario, with all rules but those. */
export function run(
  scenario: Scenario,
  off: readonly Rule[] = [],
  maxStates?: number,
): Exploration & { readonly report: string; readonly steps: readonly string[] } {
  const model = new CoherenceModel(scenario, without(...off));
  const result = explore(model, maxStates);
  return {
    ...result,
    report: reportOf(model, scenario, off, result),
    steps: model.steps.map((step) => step.name),
  };
}

function reportOf(model: CoherenceModel, scenario: Scenario, off: readonly Rule[], result: Exploration): string {
  const head = `${scenario.name}${off.length ? ` without ${off.join(', ')}` : ''}: ${result.states} states, ${result.transitions} steps`;
  if (!result.violation) return head;
  let before = model.initial;
  const lines = result.violation.trace.map(({ step, state }, n) => {
    const line = `${String(n + 1).padStart(3)}  ${step.padEnd(44)} ${model.changes(before, state)}`;
    before = state;
    return line;
  });
  return [head, ...lines, `BROKEN: ${result.violation.message}`].join('\n');
}
