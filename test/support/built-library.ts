import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..', '..');

/** The library as JavaScript in a folder of its own, for tests whose processes Node runs by itself. */
export function buildLibrary(): { readonly url: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'built-library-'));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(folder, 'lib')]);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    url: pathToFileURL(join(folder, 'lib', 'index.js')).href,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
