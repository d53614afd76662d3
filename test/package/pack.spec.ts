import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { command, Consumer, pack, removeFolder, ROOT, type Tarball, temporaryFolder } from './consumer.js';
import { reachOfTypes } from './reach-of-types.js';

const MINUTE_MS = 60_000;
const BIN = join(ROOT, 'node_modules', '.bin');

let folder: string;
let tarball: Tarball;
let nest11: Consumer;
let nest12: Consumer;
beforeAll(async () => {
  folder = await temporaryFolder();
  tarball = await pack(folder);
  [nest11, nest12] = await Promise.all([
    Consumer.install(join(folder, 'nest-11'), tarball, {
      nest: '^11.0.0',
      ioredis: '5.4.2',
      esbuild: '^0.28.0',
    }),
    Consumer.install(join(folder, 'nest-12'), tarball, {
      nest: '^12.0.0',
      ioredis: '^6.0.0',
      observe: '0.3.3',
    }),
  ]);
}, 8 * MINUTE_MS);
afterAll(() => removeFolder(folder));

describe('the packed tarball', () => {
  it('holds the built library and its papers, nothing else', () => {
    const others = tarball.files.filter((path) => !/^dist\/.+\.(js|d\.ts)$/.test(path));
    expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist/cjs/package.json', 'package.json']);
    expect(tarball.files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts']));
  });

  it('declares itself by types that an application has anyway: the compiler need not read those of valibot', async () => {
    const { packages, files } = await reachOfTypes(join(nest12.folder, 'node_modules', 'nestjs-redis-cache', 'dist'));
    expect(packages).toEqual([
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/microservices',
      '@nestjs/terminus',
      '@standard-schema/spec',
      'ioredis',
      'reflect-metadata',
      'rxjs',
    ]);
    // nor what lies behind its faces
    expect(files.filter((file) => /^(application|cache|stores|values)\//.test(file))).toEqual([
      'cache/after-commit.d.ts',
      'cache/cache-changes.d.ts',
      'cache/cache-region.d.ts',
      'cache/cache-status.d.ts',
      'cache/load-context.d.ts',
      'cache/read-policy.d.ts',
      'cache/read-report.d.ts',
      'cache/redis-cache.d.ts',
      'stores/channel.d.ts',
      'stores/remote-store.d.ts',
    ]);
  });

  it('stays small', () => {
    // each door has its files as ES modules and CommonJS, with maps
    expect(tarball.packedBytes).toBeLessThan(450_000);
    expect(tarball.unpackedBytes).toBeLessThan(2_500_000);
  });

  it(
    'resolves for consumers of every module system that Nest supports',
    async () => {
      await command(folder, join(BIN, 'attw'), tarball.path, '--format', 'ascii');
    },
    3 * MINUTE_MS,
  );
});

const SEEN = {
  loadsOfTwoCalls: 1,
  loadsAfterEvict: 2,
  keepsTypes: true,
  injected: true,
  bootWithMsgpack: 'RC_INVALID_OPTION',
};

/** What is run, each format in one process: most of the processor's time of a process goes into loading Nest. */
const RUN = {
  '12': { esm: ['app', 'health', 'doors', 'one-copy', 'observed'], commonjs: ['app', 'health', 'doors', 'observed'] },
  '11': { esm: ['app', 'health', 'doors', 'one-copy'], commonjs: ['app', 'health', 'doors'] },
};
type Major = keyof typeof RUN;
type Format = 'esm' | 'commonjs';
type Compiler = Parameters<Consumer['compile']>[0];
const FORMATS: Format[] = ['esm', 'commonjs'];

describe.each<{ set: string; major: Major; compiler: Compiler; consumer: () => Consumer }>([
  // what Nest's own command line demands
  { set: 'Nest 12, ioredis 6 and TypeScript 6', major: '12', compiler: 'typescript', consumer: () => nest12 },
  {
    set: 'Nest 11, ioredis 5.4.2 and TypeScript 7',
    major: '11',
    compiler: 'typescript-native',
    consumer: () => nest11,
  },
])('a project on $set', ({ major, compiler, consumer }) => {
  const reported = {} as Record<Format, Record<string, unknown>>;
  beforeAll(async () => {
    await consumer().compile(compiler); // with skipLibCheck: false
    for (const format of FORMATS) reported[format] = await consumer().runAll(format, RUN[major][format]);
  }, 5 * MINUTE_MS);

  it('installs the package without complaints, beside one copy of its peers and without the optional msgpackr', async () => {
    expect(consumer().complaints).toEqual([]);
    expect((await consumer().versionOf('@nestjs/common'))?.split('.')[0]).toBe(major);
    for (const peer of ['@nestjs/common', '@nestjs/core', 'ioredis'])
      expect(await consumer().copiesOf(peer)).toEqual([join(...peer.split('/'))]);
    expect(await consumer().versionOf('msgpackr')).toBeUndefined();
  });

  it.each(FORMATS)('boots a Nest application as %s; its second call is a hit', (format) => {
    expect(reported[format]['app']).toEqual(SEEN);
  });

  it.each(FORMATS)('checks the health of its cache by the Terminus of its Nest, as %s', async (format) => {
    expect((await consumer().versionOf('@nestjs/terminus'))?.split('.')[0]).toBe(major);
    expect(reported[format]['health']).toEqual({ status: 'ok', cache: 'up', store: 'embedded' });
  });

  it.each(FORMATS)('caches responses, follows events and stands in tests, as %s', (format) => {
    expect(reported[format]['doors']).toEqual({ isHit: true, loads: 2, applied: 1 });
  });

  it('has one copy of the package, whether it is imported or required', () => {
    expect(reported.esm['one-copy']).toBe(true);
  });

  if (major === '12') {
    it.each(FORMATS)('runs unchanged where @nestjs/observe has put every provider behind a Proxy, as %s', (format) => {
      expect(reported[format]['observed']).toEqual({ loads: [1, 1, 2, 2, 3], secrets: [2, 2] });
    });
  }
});

describe('a project on Nest 11', () => {
  it(
    'runs in Jest as CommonJS, without configuration',
    async () => {
      await nest11.jest();
    },
    3 * MINUTE_MS,
  );

  it.each([[[]], [['--minify']]])(
    'runs as one bundle (esbuild %j)',
    async (flags) => {
      expect(await nest11.bundle(join('commonjs', 'main.js'), ...flags)).toEqual(SEEN);
    },
    3 * MINUTE_MS,
  );

  it('has one copy in a bundle that imports and requires it', async () => {
    expect(await nest11.bundle('one-copy-bundled.js')).toBe(true);
  });
});

describe('the manifest', () => {
  it(
    'passes publint',
    async () => {
      // of a folder it would pack, and so build, once more
      await command(ROOT, join(BIN, 'publint'), 'run', tarball.path, '--strict');
    },
    3 * MINUTE_MS,
  );
});
