import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ruleNames } from '../model/rules.js';
import { buildChecker } from './build-checker.js';
import { mutatedFiles } from './mutants/build-mutant.js';
import { clientMutants } from './mutants/client-mutants.js';
import type { Mutant } from './mutants/mutant.js';
import { serverMutants } from './mutants/server-mutants.js';

/** Each mutant still fits the code. Whether the checker notices is a matter of luck and time: `npm run history:mutants` asks. */

const BUILD = join(process.cwd(), 'dist-mutants-spec');

const all = [...serverMutants, ...clientMutants];
const byName = (mutants: readonly Mutant[]) => mutants.map((mutant): [string, Mutant] => [mutant.name, mutant]);

beforeAll(() => buildChecker(BUILD), 120_000);
afterAll(() => rmSync(BUILD, { recursive: true, force: true }));

describe('without a rule', () => {
  it.each(byName(all))('the code is another: %s', (_name, mutant) => {
    expect(mutatedFiles(mutant, BUILD).size).toBeGreaterThan(0);
  });

  it('what no live run catches is a rule of the model, which its own spec misses', () => {
    const named = all.flatMap(({ onlyByModel }) => (onlyByModel ? [onlyByModel.rule] : []));
    expect(named.filter((rule) => !(ruleNames as string[]).includes(rule))).toEqual([]);
  });
});
