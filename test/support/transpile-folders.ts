import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transpile } from './transpile.cjs';

/** Transpiles folders of the repository, specs aside, to folders of the same names below `to`. */
export function transpileFolders(folders: readonly string[], to: string): void {
  for (const folder of folders) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.spec.ts') || file.includes('fixtures')) continue;
      const path = join(folder, file);
      const target = join(to, path).replace(/\.ts$/, '.js');
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, transpile(readFileSync(path, 'utf8'), path));
    }
  }
}
