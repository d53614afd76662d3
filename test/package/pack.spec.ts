import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { command, Consumer, pack, removeFolder, ROOT, type Tarball, temporaryFolder } from './consumer.js';

const MINUTE_MS = 60_000;
const BIN = join(ROOT, 'node_modules', '.bin');

let folder: string;
let tarball: Tarball;
beforeAll(async () => {
  folder = await temporaryFolder();
  tarball = await pack(folder);
}, 3 * MINUTE_MS);
afterAll(() => removeFolder(folder));

describe('the packed tarball', () => {
  it('holds the built library and its papers, nothing else', () => {
    const others = tarball.files.filter((path) => !/^dist\/.+\.(js|d\.ts)$/.test(path));
    expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
    expect(tarball.files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts']));
  });

  it('stays small', () => {
    expect(tarball.packedBytes).toBeLessThan(250_000);
    expect(tarball.unpackedBytes).toBeLessThan(800_000);
  });

  it(
    'resolves for consumers of every module system that Nest supports',
    async () => {
      await command(folder, join(BIN, 'attw'), tarball.path, '--profile', 'esm-only', '--format', 'ascii');
    },
    3 * MINUTE_MS,
  );
});

describe.each([
  { nest: '^12.0.0', major: '12' },
  { nest: '^11.0.0', major: '11' },
])('a project on Nest $major', ({ nest, major }) => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await Consumer.install(join(folder, `nest-${major}`), tarball, nest);
  }, 5 * MINUTE_MS);

  it('installs the package without complaints, beside one copy of Nest and without the optional msgpackr', async () => {
    expect(consumer.complaints).toEqual([]);
    expect((await consumer.versionOf('@nestjs/common'))?.split('.')[0]).toBe(major);
    expect(await consumer.copiesOf('@nestjs/common')).toEqual([join('@nestjs', 'common')]);
    expect(await consumer.copiesOf('@nestjs/core')).toEqual([join('@nestjs', 'core')]);
    expect(await consumer.versionOf('msgpackr')).toBeUndefined();
  });

  it(
    'passes publint as installed',
    async () => {
      await command(
        folder,
        join(BIN, 'publint'),
        'run',
        '--strict',
        join(consumer.folder, 'node_modules', 'nestjs-redis-cache'),
      );
    },
    3 * MINUTE_MS,
  );

  it(
    'type-checks an ESM and a CommonJS consumer',
    async () => {
      await consumer.compile();
    },
    3 * MINUTE_MS,
  );

  it.each(['esm', 'commonjs'] as const)(
    'boots a Nest application as %s; its second call is a hit',
    async (format) => {
      expect(await consumer.boot(format)).toEqual({
        loadsOfTwoCalls: 1,
        loadsAfterEvict: 2,
        keepsTypes: true,
        injected: true,
        bootWithMsgpack: 'RC_INVALID_OPTION',
      });
    },
    3 * MINUTE_MS,
  );
});
