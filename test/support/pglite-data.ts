import { PGlite } from '@electric-sql/pglite';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/**
 * The directory of an empty database, as PGlite itself makes it. That takes 4 s of computing, so it is made once and
 * kept; `rm` it at any time.
 */
export async function pgliteData(): Promise<Blob> {
  const file = resolve(`node_modules/.cache/pglite-${version()}.tar`);
  try {
    return new Blob([readFileSync(file)]);
  } catch {
    const engine = await PGlite.create();
    const data = await engine.dumpDataDir('none');
    await engine.close();
    mkdirSync(dirname(file), { recursive: true });
    // several workers may make it: none reads what another has half written
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, new Uint8Array(await data.arrayBuffer()));
    renameSync(unfinished, file);
    return data;
  }
}

/** Its package.json is no export of it. */
function version(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  return (JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')) as { version: string }).version;
}
