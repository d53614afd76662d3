import { rmSync } from 'node:fs';
import { transpileFolders } from '../support/transpile-folders.js';

/** Transpiles library and checker into an empty folder of the repository, for the processes of a spec. */
export function buildChecker(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  transpileFolders(['lib', 'test/history', 'test/support'], directory);
}
