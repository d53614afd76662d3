import type { RunSummary } from '../coordinator.js';
import { runChecker } from '../run-checker.js';
import type { Mutant } from './mutant.js';

/**
 * `busy`: writes all the time. `quiet`: bursts, and nothing between, so that no later write heals what one left behind.
 */
export const WORKLOADS: Readonly<Record<string, readonly string[]>> = {
  busy: ['--write-pause', '2'],
  quiet: ['--burst-pause', '400', '--read-pause', '5'],
};

/** Runs the checker on a mutant's build until it finds a violation, or the time is over. */
export async function runMutant(
  { faults, options }: Mutant,
  directory: string,
  { workload, seed, seconds }: { workload: string; seed: number; seconds: number },
): Promise<RunSummary> {
  const { summary } = await runChecker(directory, [
    ...['--workers', '2', '--keys', '8', '--fault-pause', '100-400'],
    ...WORKLOADS[workload]!,
    ...['--seconds', String(seconds), '--seed', String(seed), '--max-violations', '1', '--quiet'],
    ...['--faults', faults?.join(',') || 'none'],
    ...(options?.split(' ') ?? []),
  ]);
  return summary;
}
