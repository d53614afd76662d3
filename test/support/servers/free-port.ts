import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 10_000;
const COUNT = 10_000;
/**
 * Node's jest runs several files at once: each worker has ports of its own. So have runs beside each other, mostly: a
 * server that a test has ended to start it again would find another's there.
 */
const WORKERS = 16;
const RUNS = 8;
const SHARES = WORKERS * RUNS;
const PORTS = Math.floor(COUNT / SHARES);
const worker = Number(process.env['JEST_WORKER_ID'] ?? 0) % WORKERS;
const share = worker + WORKERS * ((worker === 0 ? process.pid : process.ppid) % RUNS);
let at = Math.floor(Math.random() * PORTS);

/**
 * A port of 127.0.0.1, free now together with the one 10,000 above it, the bus of a Redis Cluster's node.
 *
 * Below the range that systems take for outgoing connections (Linux from 32,768, others from 49,152): one of these in
 * use, or in TIME_WAIT, would refuse the server that starts a moment later, and a client that tries such a port with
 * nobody there may meet itself.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS; tried += 1) {
    at = (at + 1) % PORTS;
    const port = FIRST + at * SHARES + share;
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${FIRST + COUNT}`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
