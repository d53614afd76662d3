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
  for (const { file, find, replace } of mutant.edits) {
    const path = join(to, 'lib', `${file}.js`);
    const text = readFileSync(path, 'utf8');
    const parts = text.split(find);
    if (parts.length !== 2) {
      throw new Error(
        `Mutant "${mutant.name}": in ${file}.js this occurs ${parts.length - 1} times instead of once:\n${find}`,
      );
    }
    writeFileSync(path, parts.join(replace));
  }
}
