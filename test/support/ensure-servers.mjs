// Makes sure that the tests find the servers they need, before any of them runs; prints one line per server.
//   Redis >= 7, needed:     redis-server and redis-cli on PATH, else Debian's packages (as root), else a line and exit 1.
//                           Tests start, freeze and kill servers of their own; those that only need one share that of
//                           REDIS_URL, when it is set.
//   PostgreSQL, optional:   DATABASE_URL, else Debian's programs; the embedded PGlite is tested in any case
//   Kafka, optional:        KAFKA_BROKERS, else Apache Kafka from Maven (Java 17; cached under .services), else librdkafka's
//                           mock inside kcat. Debian's packages are installed for it as well (as root).
//   NATS, RabbitMQ, Python: optional, Debian's packages (installed as root)
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { install, isInstalled, KAFKA_VERSION } from './kafka/artifacts.mjs';
import { hasKcat, MOCK_LACKS } from './kafka/broker.mjs';

const OLDEST_REDIS = 7;
const POLICY = '/usr/sbin/policy-rc.d';
const MISSING =
  'Redis: redis-server and redis-cli were not found. Install Redis >= 7 so that they are on PATH ' +
  '(Debian, Ubuntu: apt-get install redis-server redis-tools; macOS: brew install redis).';

try {
  console.log(`Redis: ${binaries() ?? installed()}`);
  if (process.env.REDIS_URL) console.log(`Redis: ${await serverAt(process.env.REDIS_URL)}`);
  console.log(`PostgreSQL: ${postgres()}`);
  console.log(`Kafka: ${await kafka()}`);
  console.log(`NATS: ${optional('nats-server', () => isThere('nats-server', '--version'))}`);
  console.log(`RabbitMQ: ${optional('rabbitmq-server', () => existsSync('/usr/lib/rabbitmq/bin/rabbitmq-server'))}`);
  console.log(`Python: ${optional('python3-redis', () => isThere('/usr/bin/python3', '-c', 'import redis'))}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

/** What is on PATH; undefined when something is missing. */
function binaries() {
  const [server, cli] = ['redis-server', 'redis-cli'].map((name) =>
    spawnSync(name, ['--version'], { encoding: 'utf8' }),
  );
  if (server.error || cli.error) return undefined;
  return accept(/v=(\S+)/.exec(server.stdout)?.[1] ?? '0', 'redis-server on PATH');
}

function installed() {
  if (!canInstall()) throw new Error(MISSING);
  try {
    installPackages('redis-server', 'redis-tools');
  } catch (error) {
    throw new Error(`${MISSING} (${error.message})`, { cause: error });
  }
  const found = binaries();
  if (!found) throw new Error(MISSING);
  return `${found}, installed now`;
}

function canInstall() {
  return process.getuid?.() === 0 && !spawnSync('apt-get', ['--version']).error;
}

/** Installs Debian's packages; the services that they bring are kept from starting. */
function installPackages(...names) {
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    apt('update');
    apt('install', '-y', '--no-install-recommends', ...names);
  } finally {
    if (ownPolicy) rmSync(POLICY);
  }
}

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
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
      `Redis: the server of REDIS_URL does not answer as needed (${error.message}). Start it, or unset REDIS_URL.`,
      { cause: error },
    );
  } finally {
    client.disconnect();
  }
}

function accept(version, where) {
  if (Number.parseInt(version, 10) < OLDEST_REDIS) {
    throw new Error(`Redis: ${where} is ${version}; the tests need ${OLDEST_REDIS}.0 or newer, for its functions.`);
  }
  return `${version} (${where})`;
}

function postgres() {
  if (process.env.DATABASE_URL) return 'the server of DATABASE_URL, and embedded (PGlite)';
  if (existsSync('/usr/lib/postgresql')) return "servers of the tests' own, and embedded (PGlite)";
  return 'embedded (PGlite) only; tests on a server skip. Set DATABASE_URL, or install the Debian package postgresql.';
}

/** What the tests will use, and otherwise why they skip. */
async function kafka() {
  const { KAFKA_BROKERS, KAFKA_SERVER } = process.env;
  if (KAFKA_BROKERS) return 'the brokers of KAFKA_BROKERS';
  const reasons = [];
  if (KAFKA_SERVER !== 'mock') {
    const before = isInstalled();
    try {
      if (!before && !hasPrograms('java', 'mvn') && canInstall()) installPackages('default-jre-headless', 'maven');
      await install();
      return `Apache Kafka ${KAFKA_VERSION} (from Maven, ${before ? 'cached' : 'fetched now'})`;
    } catch (error) {
      reasons.push(`Apache Kafka cannot be fetched: ${error.message.split('\n')[0]}`);
    }
  }
  try {
    if (!hasKcat() && canInstall()) installPackages('kcat');
  } catch (error) {
    reasons.push(`kcat cannot be installed: ${error.message}`);
  }
  const why = reasons.map((reason) => ` ${reason}.`).join('');
  if (hasKcat()) return `librdkafka's mock (${MOCK_LACKS}); tests that need more skip.${why}`;
  return `none; tests of Kafka skip.${why} Set KAFKA_BROKERS, or install Java 17 and Maven, or kcat.`;
}

/** What a test needs that skips without it. */
function optional(debianPackage, isHere) {
  if (isHere()) return `${debianPackage} is there`;
  if (!canInstall()) return `none; its tests skip. Install the Debian package ${debianPackage}.`;
  try {
    installPackages(debianPackage);
  } catch {
    // told below
  }
  return isHere() ? `${debianPackage}, installed now` : `none; its tests skip. ${debianPackage} cannot be installed.`;
}

function isThere(program, ...args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

function hasPrograms(...names) {
  return names.every((name) => !spawnSync(name, ['-version'], { stdio: 'ignore' }).error);
}
