import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { track } from '../../support/servers/processes.js';
import type { RunSummary } from '../coordinator.js';
import type { Mutant } from './mutant.js';

/** Runs the checker on a mutant's build until it finds a violation, or the time is over. */
export async function runMutant(
  { faults, options }: Mutant,
  directory: string,
  { seed, seconds }: { seed: number; seconds: number },
): Promise<RunSummary> {
  const summaryPath = join(directory, 'summary.json');
  rmSync(summaryPath, { force: true });
  const args = [
    join(directory, 'test/history/main.js'),
    ...['--workers', '2', '--keys', '8', '--write-pause', '2', '--fault-pause', '100-400'],
    ...['--seconds', String(seconds), '--seed', String(seed), '--max-violations', '1', '--quiet'],
    ...['--faults', faults?.join(',') || 'none', '--summary', summaryPath],
    ...(options?.split(' ') ?? []),
  ];
  await new Promise<void>((resolve) => {
    track(execFile(process.execPath, args, { maxBuffer: 1e8 }, () => resolve()));
  });
  return JSON.parse(readFileSync(summaryPath, 'utf8')) as RunSummary;
}
