// Makes sure that the tests find the servers they need, before any of them runs; prints one line per server.
//   Redis >= 7, needed:      REDIS_URL, else redis-server on PATH, else Debian's packages (as root), else a line and exit 1
//   PostgreSQL, optional:    DATABASE_URL, else the embedded PGlite
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { Redis } from 'ioredis';

const OLDEST_REDIS = 7;
const POLICY = '/usr/sbin/policy-rc.d';

try {
  console.log(
    `Redis: ${process.env.REDIS_URL ? await serverAt(process.env.REDIS_URL) : (binaryOnPath() ?? installed())}`,
  );
  console.log(
    `PostgreSQL: ${process.env.DATABASE_URL ? 'from DATABASE_URL' : 'embedded (PGlite); set DATABASE_URL to test on a server too'}`,
  );
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

/** Asks the server that REDIS_URL names. */
async function serverAt(url) {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 3_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? '0';
    return accept(version, 'the server of REDIS_URL');
  } catch (error) {
    throw new Error(
      `Redis: the server of REDIS_URL does not answer as needed: ${error.message}. Start it, or unset REDIS_URL.`,
      { cause: error },
    );
  } finally {
    client.disconnect();
  }
}

/** The redis-server on PATH, or undefined. */
function binaryOnPath() {
  const { error, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return error ? undefined : accept(/v=(\S+)/.exec(stdout)?.[1] ?? '0', 'redis-server on PATH');
}

/** Installs Debian's packages; the service that they bring is kept from starting. */
function installed() {
  const missing =
    'Redis: no redis-server was found. Install Redis >= 7 so that redis-server is on PATH (Debian, Ubuntu: apt-get install redis-server redis-tools; macOS: brew install redis), or set REDIS_URL.';
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).error) throw new Error(missing);
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const apt = (...args) =>
      execFileSync('apt-get', ['-qq', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      });
    apt('update');
    apt('install', '-y', '--no-install-recommends', 'redis-server', 'redis-tools');
  } catch (error) {
    throw new Error(`${missing} (apt-get failed: ${error.message})`, { cause: error });
  } finally {
    if (ownPolicy) rmSync(POLICY);
  }
  const found = binaryOnPath();
  if (!found) throw new Error(missing);
  return `${found}, installed now`;
}

function accept(version, where) {
  if (Number.parseInt(version, 10) < OLDEST_REDIS) {
    throw new Error(`Redis: ${where} is ${version}; the tests need ${OLDEST_REDIS}.0 or newer (Redis Functions).`);
  }
  return `${version} (${where})`;
}
