import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transpile } from '../../support/transpile.cjs';
import { edited } from './edited.js';
import type { Mutant } from './mutant.js';

/**
 * Copies a build, and takes the mutant's rule out of the copy.
 *
 * @param from a folder of the repository with lib/ and test/, built from the sources as they stand
 * @throws Error when an edit does not fit the source, or makes no TypeScript of it
 */
export function buildMutant(mutant: Mutant, from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  for (const [path, text] of mutatedSources(mutant)) {
    writeFileSync(join(to, path.replace(/\.ts$/, '.js')), transpile(text, path));
  }
}

/**
 * What the mutant makes of the sources, by path from the root of the repository.
 *
 * @throws Error as {@link buildMutant}
 */
export function mutatedSources(mutant: Mutant): Map<string, string> {
  const sources = new Map<string, string>();
  for (const edit of mutant.edits) {
    const path = `lib/${edit.file}.ts`;
    const source = sources.get(path) ?? readFileSync(path, 'utf8');
    sources.set(path, edited(source, edit, `Mutant "${mutant.name}"`));
  }
  return sources;
}
