import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { track } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';
import { outputOf, postgresPrograms, type PostgresServer, startPostgres } from './servers.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
/** A checkout of its own, so that its build does not get in the way of other suites. */
const checkout = mkdtempSync(join(tmpdir(), 'users-app-'));
let redis: RedisServer;
let postgres: PostgresServer | undefined;

beforeAll(async () => {
  const files = ['lib', 'sample', 'package.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json'];
  for (const file of files) cpSync(join(root, file), join(checkout, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  redis = await startRedis();
});

afterAll(async () => {
  postgres?.remove();
  await redis?.remove();
  rmSync(checkout, { recursive: true, force: true });
});

it('builds, starts, says what to try, and that is what happens; SIGTERM ends it at once', async () => {
  const { child, output } = await start('npm', ['start']);
  const steps = [...output.matchAll(/^ {2}(curl .+)\n {4}# (\d{3})(?:, X-Cache: (\w+))?/gm)];
  expect(steps.length).toBeGreaterThan(10);
  for (const [, line, status, cache] of steps) {
    const { stdout } = await run('sh', ['-c', line!]);
    const answered = [/^HTTP\S+ (\d+)/.exec(stdout)?.[1], /^X-Cache: (\w+)/m.exec(stdout)?.[1]];
    // on a busy machine L1 may lack its proof for a moment, and L2 answers
    const caches = cache === 'l1' ? ['l1', 'l2'] : [cache];
    expect([[line, status, cache]]).toEqual([[line, answered[0], caches.includes(answered[1]) ? cache : answered[1]]]);
  }
  expect(await endedAfterSigterm(child)).toBeLessThan(3_000);
}, 240_000);

it('runs on the servers of REDIS_URL and DATABASE_URL, with the keys that the docs promise, and ends at once', async () => {
  // without a PostgreSQL on this machine, PGlite again
  if (postgresPrograms) postgres = await startPostgres();
  const { child, output } = await start('node', ['dist-sample/users-app/main.js'], {
    REDIS_URL: redis.url,
    ...(postgres && { DATABASE_URL: postgres.url }),
  });
  expect(output).toContain(`database: ${postgres ? 'PostgreSQL at DATABASE_URL' : 'PGlite, in this process'}`);
  expect(output).toContain('cache:    Redis at REDIS_URL');
  const url = /listens on (\S+)/.exec(output)![1]!;
  expect((await fetch(`${url}/users/42`)).headers.get('X-Cache')).toBe('miss');
  expect(redisCli(redis.port, ['exists', 'users:profile:42:json'])).toBe('1');
  expect(await endedAfterSigterm(child)).toBeLessThan(3_000);
}, 60_000);

it('builds and starts the second sample, which has the first in its process when there is no broker', async () => {
  await run('node', [join(checkout, 'node_modules/@nestjs/cli/bin/nest.js'), 'build', 'profile-app'], {
    cwd: checkout,
  });
  const { child, output } = await start('node', ['dist-sample/profile-app/main.js'], { PROFILE_PORT: '0' });
  const url = /profile-app listens on ([^\s,]+)/.exec(output)![1]!;
  expect(await (await fetch(`${url}/profiles/42`)).json()).toMatchObject({ id: 42, version: 1 });
  expect(await endedAfterSigterm(child)).toBeLessThan(3_000);
}, 120_000);

it('refuses a PORT that is no port', async () => {
  const child = spawn('node', ['dist-sample/users-app/main.js'], {
    cwd: checkout,
    env: { ...process.env, PORT: 'http' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  track(child, { isLeader: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const [code] = await once(child, 'close');
  expect({ failed: code !== 0, output }).toEqual({
    failed: true,
    output: expect.stringContaining('PORT must be a number from 0 to 65535, got "http"'),
  });
}, 60_000);

async function start(command: string, args: string[], environment: Record<string, string> = {}) {
  const { REDIS_URL: _, DATABASE_URL: __, HOST: ___, KAFKA_BROKERS: ____, ...inherited } = process.env;
  const child = spawn(command, args, {
    cwd: checkout,
    env: { ...inherited, PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  track(child, { isLeader: true });
  return { child, output: await outputOf(child, /Ctrl\+C/) };
}

/** How long it took, ms. */
async function endedAfterSigterm(child: ChildProcess): Promise<number> {
  const startedAt = performance.now();
  child.kill('SIGTERM');
  // `close` comes when every process that writes to the output has ended, also those that npm began
  await once(child, 'close');
  return performance.now() - startedAt;
}
