import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunSummary } from './coordinator.js';
import { buildMutant, mutatedFiles } from './mutants/build-mutant.js';
import { ruleNames } from '../model/rules.js';
import { clientMutants } from './mutants/client-mutants.js';
import type { Mutant } from './mutants/mutant.js';
import { serverMutants } from './mutants/server-mutants.js';

/**
 * The short form of the history checker: separate processes on real servers, with faults, on every topology. The long form, and all
 * mutants, are commands of their own (docs/coherence.md).
 */

const run = promisify(execFile);
const BUILD = join(process.cwd(), 'dist-history-spec');
const BUILD_MS = 120_000;
const RUN_MS = 150_000;

/** Few keys and many writes, so that little time shows much. */
const DENSE = [
  '--workers',
  '2',
  '--keys',
  '16',
  '--readers',
  '64',
  '--write-pause',
  '6',
  '--load-max',
  '12',
  '--fault-pause',
  '100-600',
];

async function check(build: string, ...args: string[]): Promise<RunSummary> {
  const path = join(build, 'summary.json');
  rmSync(path, { force: true });
  const main = join(build, 'test/history/main.js');
  // it ends with 1 when it found something, which is for the expectations to say
  const { stdout } = await run(process.execPath, [main, ...DENSE, '--summary', path, ...args], {
    maxBuffer: 1e8,
  }).catch((error: { stdout: string }) => error);
  const summary = JSON.parse(readFileSync(path, 'utf8')) as RunSummary;
  if (Object.keys(summary.violations).length > 0 && !args.includes('--quiet')) console.error(stdout);
  return summary;
}

beforeAll(async () => {
  rmSync(BUILD, { recursive: true, force: true });
  const tsc = join(process.cwd(), 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '-p', 'tsconfig.history.json', '--outDir', BUILD]);
}, BUILD_MS);

afterAll(() => rmSync(BUILD, { recursive: true, force: true }));

describe('histories of separate processes', () => {
  it.each(['standalone', 'sentinel', 'cluster'])(
    'break no promise on %s, whatever goes wrong',
    async (topology) => {
      const summary = await check(BUILD, '--topology', topology, '--seconds', '20', '--seed', '7');
      expect(summary).toMatchObject({ violations: {}, problems: [] });
      expect(summary.figures.reads).toBeGreaterThan(8_000);
      expect(summary.figures.evictions + summary.figures.writes).toBeGreaterThan(500);
      expect(Object.values(summary.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(4);
    },
    RUN_MS,
  );
});

describe('the checker notices', () => {
  it(
    'what is wrong with GET, SET and DEL',
    async () => {
      const { violations } = await check(BUILD, '--cache', 'naive', '--seconds', '6', '--faults', 'none', '--quiet');
      expect(violations['G1']).toBeGreaterThan(0);
    },
    RUN_MS,
  );

  const names = ['blind fill', 'evict keeps the lease', 'join after evict', 'tags stamped at fill'];
  const all = [...serverMutants, ...clientMutants];
  const mutants = all.filter(({ name }) => names.includes(name));
  it.each(mutants.map((mutant): [string, Mutant] => [mutant.name, mutant]))(
    'the missing rule: %s',
    async (_name, mutant) => {
      const build = `${BUILD}-mutant`;
      buildMutant(mutant, BUILD, build);
      const options = [...(mutant.options?.split(' ') ?? []), '--faults', mutant.faults?.join(',') || 'none'];
      const { violations } = await check(build, '--seconds', '20', '--quiet', '--max-violations', '1', ...options);
      rmSync(build, { recursive: true });
      expect(Object.keys(violations).length).toBeGreaterThan(0);
    },
    RUN_MS,
  );

  it('knows all of these rules by name', () => expect(mutants.length).toBe(names.length));

  it.each(all.map((mutant): [string, Mutant] => [mutant.name, mutant]))(
    'a mutant that still fits the code: %s',
    (_name, mutant) => {
      expect(mutatedFiles(mutant, BUILD).size).toBeGreaterThan(0);
    },
  );

  it('knows the rule of the model for each that no live run catches', () => {
    const named = all.flatMap(({ onlyByModel }) => (onlyByModel ? [onlyByModel.rule] : []));
    expect(named.filter((rule) => !(ruleNames as string[]).includes(rule))).toEqual([]);
  });
});
