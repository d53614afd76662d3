import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutant } from './mutant.js';

/**
 * Copies a build and takes the mutant's rule out of the copy.
 *
 * @param from a folder with lib/ and test/, as tsconfig.history.json builds it
 * @throws when a text does not occur exactly once: the code has moved on, and the mutant must follow
 */
export function buildMutant(mutant: Mutant, from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  for (const [path, text] of mutatedFiles(mutant, from)) writeFileSync(join(to, 'lib', path), text);
}

/** What the mutant makes of the build's files. @throws as {@link buildMutant} */
export function mutatedFiles(mutant: Mutant, build: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, find, replace } of mutant.edits) {
    const path = `${file}.js`;
    const parts = (files.get(path) ?? readFileSync(join(build, 'lib', path), 'utf8')).split(find);
    if (parts.length !== 2) {
      throw new Error(
        `Mutant "${mutant.name}": in ${path} this occurs ${parts.length - 1} times instead of once:\n${find}`,
      );
    }
    files.set(path, parts.join(replace));
  }
  return files;
}
