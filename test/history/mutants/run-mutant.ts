import type { RunSummary } from '../coordinator.js';
import { runChecker } from '../run-checker.js';
import type { Mutant } from './mutant.js';

/** Runs the checker on a mutant's build until it finds a violation, or the time is over. */
export async function runMutant(
  { faults, options }: Mutant,
  directory: string,
  { seed, seconds }: { seed: number; seconds: number },
): Promise<RunSummary> {
  const { summary } = await runChecker(directory, [
    ...['--workers', '2', '--keys', '8', '--write-pause', '2', '--fault-pause', '100-400'],
    ...['--seconds', String(seconds), '--seed', String(seed), '--max-violations', '1', '--quiet'],
    ...['--faults', faults?.join(',') || 'none'],
    ...(options?.split(' ') ?? []),
  ]);
  return summary;
}
