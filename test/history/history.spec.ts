import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildChecker } from './build-checker.js';
import type { RunSummary } from './coordinator.js';
import { runChecker } from './run-checker.js';

/**
 * The short form of the history checker: separate processes on real servers, with faults, on every topology. The long
 * form is a command of its own (docs/coherence.md).
 */

const BUILD = join(process.cwd(), 'dist-history-spec');
const RUN_MS = 150_000;
/**
 * What must not be missed by chance stands in test/rules; this shows that the parts work together, and `npm run
 * history` goes on for hours.
 */
const SECONDS = 12;

/**
 * Few keys and many writes, so that little time shows much; readers that leave the processor to the suites beside this
 * one.
 */
const DENSE = [
  '--workers',
  '2',
  '--keys',
  '16',
  '--readers',
  '64',
  '--read-pause',
  '30',
  '--write-pause',
  '6',
  '--load-max',
  '12',
  '--fault-pause',
  '100-600',
];

async function check(build: string, ...args: string[]): Promise<RunSummary> {
  const { summary, stdout } = await runChecker(build, [...DENSE, ...args]);
  if (Object.keys(summary.violations).length > 0 && !args.includes('--quiet')) console.error(stdout);
  return summary;
}

beforeAll(() => buildChecker(BUILD));

afterAll(() => rmSync(BUILD, { recursive: true, force: true }));

describe('histories of separate processes', () => {
  it.each(['standalone', 'sentinel', 'cluster'])(
    'break no promise on %s, whatever goes wrong',
    async (topology) => {
      const summary = await check(BUILD, '--topology', topology, '--seconds', `${SECONDS}`, '--seed', '7');
      expect(summary).toMatchObject({ violations: {}, problems: [] });
      expect(summary.figures.reads).toBeGreaterThan(400 * SECONDS);
      expect(summary.figures.evictions + summary.figures.writes).toBeGreaterThan(25 * SECONDS);
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
});
