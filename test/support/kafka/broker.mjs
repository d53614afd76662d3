// Kafka brokers as processes: Apache Kafka (one node, KRaft), and librdkafka's mock inside kcat.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { copyFormatted, install, javaArguments, KAFKA_VERSION } from './artifacts.mjs';
import { writeProperties } from './properties.mjs';

const { Kafka, logLevel } = kafkajs;
const READY_MS = 60_000;

/** What a mock lacks; tests of it skip, and say so. */
export const MOCK_LACKS = 'no admin API, no idempotent producers, no data on disk';

/**
 * The broker that the tests use: KAFKA_BROKERS, else Apache Kafka, else the mock. KAFKA_SERVER=real|mock takes nothing
 * else.
 *
 * @returns undefined when none can be had, and never for KAFKA_BROKERS: that one is needed when it is set
 */
export async function startAnyBroker({ onSkip = () => {} } = {}) {
  const { KAFKA_BROKERS, KAFKA_SERVER } = process.env;
  if (KAFKA_BROKERS) return brokersOfEnvironment(KAFKA_BROKERS);
  for (const [kind, start] of Object.entries({ real: startBroker, mock: startMockBroker })) {
    if (KAFKA_SERVER && KAFKA_SERVER !== kind) continue;
    try {
      return await start();
    } catch (error) {
      if (KAFKA_SERVER) throw error;
      onSkip(`${kind === 'real' ? 'Apache Kafka' : "librdkafka's mock"}: ${firstLine(error)}`);
    }
  }
  return undefined;
}

async function brokersOfEnvironment(list) {
  const brokers = list.split(',').map((broker) => broker.trim());
  await waitForBroker(brokers, 30_000);
  return { brokers, isReal: true, name: 'the brokers of KAFKA_BROKERS', pid: undefined, stop: () => {} };
}

/** A broker of the caller's own; installs Apache Kafka when it is not there yet. */
export async function startBroker() {
  await install();
  // a port that was free may be taken until Java gets to it
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

async function startOnce() {
  const directory = mkdtempSync(join(tmpdir(), 'kafka-'));
  const [port, controllerPort] = await freePorts();
  const data = join(directory, 'data');
  copyFormatted(data);
  const config = writeProperties(directory, { port, controllerPort, data });
  const log = openSync(join(directory, 'log'), 'w');
  const child = spawn('java', javaArguments(['kafka.Kafka', config]), { stdio: ['ignore', log, log] });
  closeSync(log);
  const brokers = [`127.0.0.1:${port}`];
  const stop = () => {
    child.kill('SIGKILL');
    // the process may still write for a moment
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    await Promise.race([waitForBroker(brokers, READY_MS), ended(child, 'java')]);
  } catch (error) {
    const said = readFileSync(join(directory, 'log'), 'utf8').slice(-2_000);
    stop();
    throw new Error(`Apache Kafka did not start: ${error.message}\n${said}`, { cause: error });
  }
  return { brokers, isReal: true, name: `Apache Kafka ${KAFKA_VERSION}`, pid: child.pid, stop };
}

export async function startMockBroker() {
  const args = ['-C', '-X', 'test.mock.num.brokers=1', '-b', 'mock', '-t', 'warm-up', '-q'];
  const child = spawn('kcat', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const ready = new Promise((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
      const found = /replaced with ([\d.:,]+)\n/.exec(said);
      if (found) resolve(found[1].split(','));
    });
  });
  const brokers = await Promise.race([ready, ended(child, 'kcat')]);
  const stop = () => void child.kill('SIGKILL');
  return { brokers, isReal: false, name: `librdkafka's mock (${MOCK_LACKS})`, pid: child.pid, stop };
}

export const hasKcat = () => !spawnSync('kcat', ['-V']).error;

async function ended(child, program) {
  const [code] = await once(child, 'exit');
  throw new Error(`${program} ended with ${code}`);
}

/** Ready is who answers a client: the log says so earlier. */
async function waitForBroker(brokers, timeoutMs) {
  for (const giveUpAt = performance.now() + timeoutMs; ; await pause(100)) {
    const settings = { connectionTimeout: 1_000, logLevel: logLevel.NOTHING, retry: { retries: 0 } };
    const admin = new Kafka({ clientId: 'tests', brokers, ...settings }).admin();
    try {
      await admin.connect();
      if ((await admin.describeCluster()).brokers.length > 0) return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw new Error(`no answer of ${brokers}: ${error.message}`, { cause: error });
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }
}

async function freePorts() {
  const servers = [createServer(), createServer()];
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening');
  const ports = servers.map((server) => server.address().port);
  for (const server of servers) server.close();
  return ports;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const firstLine = (error) => error.message.split('\n')[0];
