import { PGlite } from '@electric-sql/pglite';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';

/**
 * The directory of an empty database, as PGlite itself makes it. That takes 4 s of computing, so it is made once and
 * kept beside what is installed; `rm` it at any time.
 */
export async function pgliteData(): Promise<Blob> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const [nodeModules] = entry.split(join('@electric-sql', 'pglite') + sep);
  const file = join(nodeModules!, '.cache', `pglite-${versionAt(entry)}.tar`);
  try {
    return new Blob([readFileSync(file)]);
  } catch {
    const engine = await PGlite.create();
    const data = await engine.dumpDataDir('none');
    await engine.close();
    keep(file, new Uint8Array(await data.arrayBuffer()));
    return data;
  }
}

/** None reads what another has half written. Where it cannot be kept, it is made again. */
function keep(file: string, data: Uint8Array): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(unfinished, data);
    renameSync(unfinished, file);
  } catch {
    // what is installed may be read only
  }
}

/** Its package.json is no export of it. */
function versionAt(entry: string): string {
  return (JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')) as { version: string }).version;
}
