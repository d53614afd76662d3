import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const DOORS = ['index', 'health/index', 'http/index', 'invalidation/index', 'testing/index'];

/** The packages and the files of `dist` whose declarations those of the doors lead to: what a compiler reads. */
export async function reachOfTypes(dist: string): Promise<{ packages: string[]; files: string[] }> {
  const packages = new Set<string>();
  const read = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (read.has(file)) return;
    read.add(file);
    const text = (await readFile(file, 'utf8')).replaceAll(/\/\*.*?\*\//gs, '');
    for (const [, from] of text.matchAll(/\b(?:from |import |import\()['"]([^'"]+)['"]/g)) {
      if (from!.startsWith('.')) await visit(join(dirname(file), from!.replace(/\.js$/, '.d.ts')));
      else packages.add(from!);
    }
  };
  for (const door of DOORS) await visit(join(dist, `${door}.d.ts`));
  return { packages: [...packages].sort(), files: [...read].map((file) => relative(dist, file)).sort() };
}
