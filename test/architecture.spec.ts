import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const LIB = join(import.meta.dirname, '..', 'lib');

/** Entries of `exports` that are not named after their folder. */
const ENTRY_FOLDERS: Record<string, string> = { './microservices': 'invalidation' };

/** A folder imports only from floors below its own: never up, never sideways. */
const FLOORS = [
  ['shared'],
  ['keys', 'entries', 'telemetry'],
  ['codecs'],
  ['options'],
  ['stores', 'values'],
  ['cache', 'operations'],
  ['application'],
  ['interception', 'invalidation', 'http', 'health', 'prometheus', 'opentelemetry', 'board', 'doctor'],
  ['.'],
  ['testing'],
];

/**
 * The ways into the cache, one folder each; none knows another. One that has an entry of its own in `exports` has an
 * index.ts. Folders are named here before they exist.
 */
const DOORS = FLOORS.find((floor) => floor.includes('interception'))!;

/** Drivers: only the composition root may import from these. */
const DRIVERS = [
  ['stores', 'memory'],
  ['stores', 'redis'],
].map((path) => path.join(sep));

/** A package may be imported only under these paths (a folder, or one file). */
const PACKAGES: Record<string, string[]> = {
  // options/redis-connection.ts: types only
  ioredis: [join('stores', 'redis'), join('options', 'redis-connection.ts')],
  'lru-cache': [join('stores', 'memory')],
  msgpackr: ['codecs'],
  valibot: ['options'],
  'safe-stable-stringify': ['keys'],
  '@nestjs/core': ['operations', 'application', ...DOORS, '.', 'testing'],
  '@nestjs/common': ['operations', 'application', ...DOORS, '.', 'testing'],
  'reflect-metadata': ['operations'],
  rxjs: [...DOORS, '.'],
  '@nestjs/microservices': ['invalidation'],
  '@nestjs/terminus': ['health'],
  'prom-client': ['prometheus'],
  '@opentelemetry/api': ['opentelemetry'],
};

const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const folderOf = (file: string) => (dirname(file) === '.' ? '.' : file.split(sep)[0]!);
const floorOf = (folder: string) => FLOORS.findIndex((floor) => floor.includes(folder));
const inside = (file: string, path: string) =>
  file === path || (path === '.' ? dirname(file) === '.' : file.startsWith(path + sep));
const importsOf = (file: string) =>
  ts.preProcessFile(readFileSync(join(LIB, file), 'utf8')).importedFiles.map(({ fileName }) => fileName);
const targetOf = (file: string, spec: string) =>
  relative(LIB, normalize(join(LIB, dirname(file), spec))).replace(/\.js$/, '.ts');

it.each(files)('%s keeps the import rules', (file) => {
  const broken: string[] = [];
  if (floorOf(folderOf(file)) < 0) broken.push(`${folderOf(file)}/ is on no floor`);
  for (const spec of importsOf(file)) {
    if (spec.startsWith('.')) {
      const target = targetOf(file, spec);
      const [from, to] = [folderOf(file), folderOf(target)];
      if (from !== to && floorOf(to) >= floorOf(from)) broken.push(`${from}/ may not import ${to}/ (${spec})`);
      const driver = DRIVERS.find((path) => inside(target, path) && !inside(file, path));
      if (driver && from !== '.') broken.push(`${driver} is a driver: depend on its contract (${spec})`);
    } else {
      const allowed =
        PACKAGES[
          spec
            .split('/')
            .slice(0, spec.startsWith('@') ? 2 : 1)
            .join('/')
        ];
      if (allowed && !allowed.some((path) => inside(file, path)))
        broken.push(`${spec} belongs in ${allowed.join(', ')}`);
    }
  }
  expect(broken).toEqual([]);
});

it('has no cycle of files, type imports included', () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const spec of importsOf(file)) if (spec.startsWith('.')) visit(targetOf(file, spec), [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

describe('package.json', () => {
  const manifest = JSON.parse(readFileSync(join(LIB, '..', 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
    peerDependenciesMeta: Record<string, { optional?: boolean }>;
  };

  it('has an entry for a door or the root only', () => {
    const entries = Object.keys(manifest.exports).filter((entry) => entry !== '.' && entry !== './package.json');
    const folders = entries.map((entry) => ENTRY_FOLDERS[entry] ?? entry.slice('./'.length));
    expect(folders.filter((folder) => !DOORS.includes(folder) && folder !== 'testing')).toEqual([]);
    expect(folders.filter((folder) => !files.includes(join(folder, 'index.ts')))).toEqual([]);
  });

  it('has optional peers that are imported in one folder each', () => {
    const optional = Object.entries(manifest.peerDependenciesMeta).filter(([, meta]) => meta.optional);
    expect(optional.filter(([name]) => PACKAGES[name]?.length !== 1)).toEqual([]);
  });
});
