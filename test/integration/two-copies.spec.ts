import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildLibrary } from '../support/built-library.js';

/** An application whose service is decorated by the first copy, and whose module is of the second. */
const APPLICATION = `
  import 'reflect-metadata';
  const [first, second] = await Promise.all(process.argv.slice(1).map((url) => import(url)));
  const root = process.argv[1];
  const { createRequire } = await import('node:module');
  const load = async (name) => import(createRequire(root).resolve(name));
  const { NestFactory } = await load('@nestjs/core');
  class Users {
    async find(id) {
      return id;
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Users.prototype, 'find');
  first.Cacheable({ key: (id) => id })(Users.prototype, 'find', descriptor);
  Object.defineProperty(Users.prototype, 'find', descriptor);
  class App {}
  const { Module } = await load('@nestjs/common');
  Module({ imports: [second.RedisCacheModule.forRoot({ service: 'test' })], providers: [Users] })(App);
  const app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false }).catch((error) => error);
  console.log(app instanceof Error ? app.message : 'started');
  await app.close?.();
`;

describe('two copies of the package', () => {
  let copies: ReturnType<typeof buildLibrary>[] = [];

  beforeAll(() => {
    copies = [buildLibrary(), buildLibrary()];
  });
  afterAll(() => copies.forEach((copy) => copy.remove()));

  const run = async (...urls: string[]) => {
    const args = ['--input-type=module', '-e', APPLICATION, ...urls];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: process.cwd(), timeout: 60_000 });
    return stdout.trim();
  };

  it('stop the boot where one has decorated and the other is the module', async () => {
    const [first, second] = copies.map(({ url }) => url) as [string, string];
    expect(await run(first, second)).toMatch(
      /^Users is decorated by another copy of nestjs-redis-cache .*\[RC_MODULE_MISSING\]$/,
    );
    expect(await run(first, first)).toBe('started');
  }, 120_000);
});
