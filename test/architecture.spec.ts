import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { expect, it } from '@jest/globals';
import ts from 'typescript';

const LIB = join(import.meta.dirname, '..', 'lib');

/** A folder imports only from floors below its own: never up, never sideways. */
const FLOORS = [
  ['shared'],
  ['keys', 'entries', 'telemetry'],
  ['codecs'],
  ['options'],
  ['stores', 'values'],
  ['cache', 'operations'],
  ['interception'],
  ['.'],
  ['testing'],
];

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
  '@nestjs/core': ['operations', 'interception', 'testing', '.'],
  '@nestjs/common': ['operations', 'interception', 'testing', '.'],
  'reflect-metadata': ['operations'],
  rxjs: ['interception', '.'],
};

const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const folderOf = (file: string) => (dirname(file) === '.' ? '.' : file.split(sep)[0]!);
const floorOf = (folder: string) => FLOORS.findIndex((floor) => floor.includes(folder));
const inside = (file: string, path: string) =>
  file === path || (path === '.' ? dirname(file) === '.' : file.startsWith(path + sep));

it.each(files)('%s keeps the import rules', (file) => {
  const broken: string[] = [];
  if (floorOf(folderOf(file)) < 0) broken.push(`${folderOf(file)}/ is on no floor`);
  for (const { fileName: spec } of ts.preProcessFile(readFileSync(join(LIB, file), 'utf8')).importedFiles) {
    if (spec.startsWith('.')) {
      const target = relative(LIB, normalize(join(LIB, dirname(file), spec)));
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
