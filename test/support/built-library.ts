import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpileFolders } from './transpile-folders.js';

/** The library as JavaScript in a folder of its own, for tests whose processes Node runs by itself. */
export function buildLibrary(): { readonly url: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'built-library-'));
  transpileFolders(['lib'], folder);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  return {
    url: pathToFileURL(join(folder, 'lib', 'index.js')).href,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
