import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { track } from '../support/servers/processes.js';
import type { RunSummary } from './coordinator.js';

/**
 * Runs the checker of a build to its end. It dies with this process, and its servers and workers with it.
 *
 * @param build a folder with lib/ and test/
 * @param args as on the command line
 * @throws Error when it ends without a summary
 */
export async function runChecker(
  build: string,
  args: readonly string[],
): Promise<{ summary: RunSummary; stdout: string }> {
  const path = join(build, 'summary.json');
  rmSync(path, { force: true });
  const all = [join(build, 'test/history/main.js'), ...args, '--summary', path];
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    // it ends with 1 when it found something, which is for the caller to judge
    const child = execFile(process.execPath, all, { maxBuffer: 1e8, ...GROUP }, (_error, stdout, stderr) =>
      resolve({ stdout, stderr }),
    );
    track(child, { isLeader: true });
  });
  try {
    return { summary: JSON.parse(readFileSync(path, 'utf8')) as RunSummary, stdout };
  } catch (cause) {
    throw new Error(`the checker ended without a summary:\n${stdout}\n${stderr}`, { cause });
  }
}

/** A process group of its own; the types of execFile do not know it. */
const GROUP = { detached: true } as object;
