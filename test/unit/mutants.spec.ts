import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { transpile } from '../support/transpile.cjs';
import { ruleNames } from '../model/rules.js';
import { mutatedSources } from '../history/mutants/build-mutant.js';
import { clientMutants } from '../history/mutants/client-mutants.js';
import { directedClientMutants, directedServerMutants } from '../history/mutants/directed-mutants.js';
import { edited } from '../history/mutants/edited.js';
import { serverMutants } from '../history/mutants/server-mutants.js';

/**
 * Each mutant still fits the code. Whether the checker notices is a matter of luck and time: `npm run history:mutants`
 * asks.
 */

const all = [...serverMutants, ...directedServerMutants, ...clientMutants, ...directedClientMutants];

describe('a mutant', () => {
  it.each(all.map(({ name }, n): [string, number] => [name, n]))('is other code: %s', (_name, n) => {
    const sources = [...mutatedSources(all[n]!)];
    expect(sources).not.toHaveLength(0);
    for (const [path, text] of sources) {
      expect(text).not.toBe(readFileSync(path, 'utf8'));
      expect(() => transpile(text, path)).not.toThrow();
    }
  });

  it('has a name of its own', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  it('that no live run catches is a rule of the model, which its own spec misses', () => {
    const named = all.flatMap(({ onlyByModel }) => (onlyByModel ? [onlyByModel.rule] : []));
    expect(named.filter((rule) => !(ruleNames as string[]).includes(rule))).toEqual([]);
  });
});

describe('an edit', () => {
  const edit = { file: 'a', find: 'f(a, b) && isOpen', replace: 'true' };

  it.each([
    ['as it stands', 'x = f(a, b) && isOpen;'],
    ['wrapped', 'x =\n  f(\n    a,\n    b,\n  ) &&\n  isOpen;'],
    ['with a comment', 'x = f(a, b) && // since then\n isOpen;'],
  ])('finds its text %s', (_how, source) => {
    expect(edited(source, edit, 'it')).toMatch(/^x =\s+true;$/);
  });

  it.each([
    ['absent', 'f(a, c) && isOpen'],
    ['there twice', 'f(a, b) && isOpen; f(a, b) && isOpen'],
    ['a part of longer words', 'if(a, b) && isOpened'],
  ])('says which mutant, file and text, when that is %s', (_what, source) => {
    expect(() => edited(source, edit, 'Mutant "m"')).toThrow(/Mutant "m": in lib\/a\.ts.*f\(a, b\) && isOpen/s);
  });
});
