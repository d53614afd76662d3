import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ruleNames } from '../model/rules.js';
import { buildChecker } from './build-checker.js';
import { buildMutant, mutatedFiles } from './mutants/build-mutant.js';
import { clientMutants } from './mutants/client-mutants.js';
import type { Mutant } from './mutants/mutant.js';
import { runMutant } from './mutants/run-mutant.js';
import { serverMutants } from './mutants/server-mutants.js';

/** Every rule is taken out of the build once, and the checker on real servers has to notice; or else the exhaustive model. */

const BUILD = join(process.cwd(), 'dist-mutants-spec');
const TRIES = 3;
const RUN_SECONDS = 30;

const all = [...serverMutants, ...clientMutants];
const byName = (mutants: readonly Mutant[]) => mutants.map((mutant): [string, Mutant] => [mutant.name, mutant]);

beforeAll(() => buildChecker(BUILD), 120_000);
afterAll(() => rmSync(BUILD, { recursive: true, force: true }));

describe('without a rule', () => {
  it.each(byName(all))('the code is another: %s', (_name, mutant) => {
    expect(mutatedFiles(mutant, BUILD).size).toBeGreaterThan(0);
  });

  it.each(byName(all.filter(({ onlyByModel }) => onlyByModel === undefined)))(
    'a history breaks a promise: %s',
    async (_name, mutant) => {
      const directory = `${BUILD}-mutant`;
      buildMutant(mutant, BUILD, directory);
      let found: string[] = [];
      for (let seed = 1; seed <= TRIES && found.length === 0; seed++) {
        const summary = await runMutant(mutant, directory, { seed, seconds: RUN_SECONDS });
        found = Object.keys(summary.violations);
      }
      rmSync(directory, { recursive: true, force: true });
      expect(found).not.toEqual([]);
    },
    TRIES * (RUN_SECONDS + 30) * 1_000,
  );

  it('what no live run catches is a rule of the model, which its own spec misses', () => {
    const named = all.flatMap(({ onlyByModel }) => (onlyByModel ? [onlyByModel.rule] : []));
    expect(named.filter((rule) => !(ruleNames as string[]).includes(rule))).toEqual([]);
  });
});
