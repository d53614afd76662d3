import { execFile, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../support/servers/free-port.js';
import { stopChild, tempDir, track, waitUntil } from '../support/servers/processes.js';

/** What became of one test. `dependency`, `setup`: it says nothing. */
export interface SuiteResult {
  readonly id: string;
  readonly kind: 'required' | 'optimal' | 'check';
  readonly verdict: 'pass' | 'fail' | 'setup' | 'dependency';
  readonly reason: string;
}

const SUITE = dirname(createRequire(import.meta.url).resolve('http-cache-tests/package.json'));
const CLIENT = join(import.meta.dirname, 'client.mjs');

/** The suite's own origin, which answers as each test says. */
export async function startOrigin() {
  const port = await freePort();
  const env = {
    ...process.env,
    npm_config_protocol: 'http',
    npm_config_port: String(port),
    npm_config_pidfile: join(tempDir(), 'origin.pid'),
  };
  const child = track(spawn(process.execPath, [join(SUITE, 'server/server.mjs')], { env, stdio: 'ignore' }));
  const url = `http://127.0.0.1:${port}`;
  await waitUntil(async () => (await fetch(`${url}/state/none`)).status > 0, { what: 'the origin of the suite' });
  return { url, stop: () => stopChild(child, 'SIGKILL') };
}

/** @param url of the cache under test */
export async function runSuite(url: string): Promise<SuiteResult[]> {
  const args = ['--no-warnings', CLIENT, url];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 24, timeout: 150_000 });
  return JSON.parse(stdout) as SuiteResult[];
}

/** Required tests that failed because a response came from the cache that must not. */
export function unsafeOf(results: readonly SuiteResult[]): string[] {
  return results
    .filter(({ kind, verdict, reason }) => kind === 'required' && verdict === 'fail' && /comes from cache/.test(reason))
    .map(({ id }) => id);
}
