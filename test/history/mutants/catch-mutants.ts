import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildMutant } from './build-mutant.js';
import { clientMutants } from './client-mutants.js';
import type { Mutant } from './mutant.js';
import { runMutant, WORKLOADS } from './run-mutant.js';
import { serverMutants } from './server-mutants.js';

/**
 * Builds every mutant, runs the checker on each until it finds a violation, under a busy workload and under a quiet
 * one, and prints which were caught under which. Ends with 1 when one was caught under none.
 */

const { values } = parseArgs({
  options: {
    /** Only those whose name contains this. */
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    workloads: { type: 'string', default: Object.keys(WORKLOADS).join(',') },
    /** Tries under each, each with the next seed. */
    tries: { type: 'string', default: '2' },
  },
});

const BUILD = fileURLToPath(new URL('../../../', import.meta.url));
/** Beside the build, so that packages are found from there. */
const MUTANTS = join(dirname(BUILD.replace(/\/$/, '')), 'dist-history-mutants');

const wanted = values.only.split(',');
const mutants = [...serverMutants, ...clientMutants].filter(({ name }) => wanted.some((text) => name.includes(text)));
const live = mutants.filter(({ onlyByModel }) => onlyByModel === undefined);
let caught = 0;
const missed: string[] = [];
mkdirSync(MUTANTS, { recursive: true });
for (const mutant of mutants) {
  const directory = join(MUTANTS, mutant.name.replaceAll(/\W+/g, '-'));
  buildMutant(mutant, BUILD, directory);
  if (mutant.onlyByModel) {
    console.log(`model    ${mutant.name}: rule ${mutant.onlyByModel.rule}; ${mutant.onlyByModel.because}`);
  } else if (await isCaught(mutant, directory)) {
    caught += 1;
  } else {
    missed.push(mutant.name);
  }
  rmSync(directory, { recursive: true, force: true });
}
rmSync(MUTANTS, { recursive: true, force: true });
console.log(
  `mutants caught by the checker: ${caught} of ${live.length}; by the model alone: ${mutants.length - live.length}`,
);
if (missed.length > 0) console.log(`MISSED: ${missed.join(', ')}`);
process.exitCode = missed.length > 0 ? 1 : 0;

async function isCaught(mutant: Mutant, directory: string): Promise<boolean> {
  let isCaughtByOne = false;
  for (const workload of values.workloads.split(',')) {
    if (await isCaughtUnder(workload, mutant, directory)) isCaughtByOne = true;
  }
  return isCaughtByOne;
}

async function isCaughtUnder(workload: string, mutant: Mutant, directory: string): Promise<boolean> {
  for (let n = 0; n < Number(values.tries); n++) {
    const summary = await runMutant(mutant, directory, {
      workload,
      seed: Number(values.seed) + n,
      seconds: Number(values.seconds),
    });
    const found = Object.keys(summary.violations);
    if (found.length > 0) {
      console.log(`caught   ${mutant.name}, ${workload}: ${found.join(', ')} after ${summary.figures.reads} reads`);
      return true;
    }
    if (summary.figures.reads === 0) throw new Error(`nothing was read: ${summary.problems.join('; ')}`);
    console.log(`missed   ${mutant.name}, ${workload}: ${summary.figures.reads} reads in ${summary.seconds} s`);
  }
  return false;
}
