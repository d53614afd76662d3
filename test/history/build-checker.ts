import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Compiles library and checker into an empty folder, for the processes of a spec. */
export async function buildChecker(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  const tsc = join(process.cwd(), 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.history.json', '--outDir', directory]);
}
