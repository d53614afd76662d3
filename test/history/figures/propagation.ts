import 'reflect-metadata';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RedisCacheOptions } from '../../../lib/index.js';
import { sleep, track } from '../../support/servers/processes.js';
import { startRedis } from '../../support/servers/redis.js';
import { faultMessages } from '../message-faults.js';
import { ModuleCache } from '../module-cache.js';
import { monotonicMs } from '../monotonic.js';
import { regionOptions, REGIONS } from '../regions.js';
import { type Row, SourceOfTruth } from '../source-of-truth.js';
import { REDIS, TOPOLOGIES } from '../topologies/by-name.js';

/**
 * How long another process goes on serving the old value from its L1 after an eviction was acknowledged: from the
 * acknowledgement in A to the begin of the last read in B that returned what was there before. 0: B had stopped by
 * then.
 */

const REGION = REGIONS.findIndex(({ name }) => name === 'local');
const KEY = 1;
const HEALTHY_ROUNDS = 3_000;
const CUTS = 15;
const CUT_MS = 1_000;
const MAX_AGE_MS = 1_000;

interface Setup {
  readonly options: Pick<RedisCacheOptions, 'redis' | 'buckets'>;
  readonly sourcePort: number;
}

const state = {
  mix: 'idle' as const,
  loadDelays: { maxMs: 0, tailShare: 0, tailMs: 0, slowShare: 0, slowMs: 0 },
  dropShare: 0,
  messageDelayMs: 0,
  abandonShare: 0,
  clockShiftMs: 0,
};

const setup = process.env['PROPAGATION'];
if (setup === undefined) await measure();
else await readOn(JSON.parse(setup) as Setup);

function openCache({ options: where, sourcePort }: Setup): { cache: ModuleCache; source: SourceOfTruth } {
  const source = new SourceOfTruth(sourcePort);
  const load = async (r: number, k: number): Promise<Row> => ({ r, k, v: await source.read(r, k) });
  const options = {
    service: 'history',
    ...where,
    l1: { maxAge: MAX_AGE_MS },
    regions: regionOptions({ shortTtlMs: 600_000, fenceMs: 5_000 }),
  };
  return { cache: new ModuleCache(options, load), source };
}

/** B: reads all the time, and tells when it saw each version for the last time. */
async function readOn(setup: Setup): Promise<void> {
  faultMessages(state, 1);
  const { cache } = openCache(setup);
  await cache.open();
  process.on('message', (dropShare: number) => (state.dropShare = dropShare));
  process.on('disconnect', () => process.exit(0));
  process.send!('ready');
  let version = 0;
  let lastAt = 0;
  for (;;) {
    const begin = monotonicMs();
    const { v } = await cache.find(REGION, KEY);
    if (v !== version) process.send!([version, lastAt]);
    version = v;
    lastAt = begin;
    await nextTurn();
  }
}

/** A: commits and evicts. */
async function measure(): Promise<void> {
  const { values } = parseArgs({ options: { topology: { type: 'string', default: 'standalone' } } });
  const [topology, truth] = await Promise.all([TOPOLOGIES[values.topology]!(REDIS), startRedis()]);
  const { connection, buckets } = topology;
  const options = buckets === undefined ? { redis: connection } : { redis: connection, buckets };
  const setup: Setup = { options, sourcePort: truth.port };
  const { cache, source } = openCache(setup);
  await cache.open();
  const child = fork(fileURLToPath(import.meta.url), { env: { ...process.env, PROPAGATION: JSON.stringify(setup) } });
  track(child);
  await once(child, 'message');
  const lastSeen = new Map<number, number>();
  child.on('message', ([version, at]: [number, number]) => lastSeen.set(version, at));

  const evictAndWait = async (): Promise<number> => {
    let version = 0;
    await cache.change(REGION, KEY, async () => {
      version = await source.commit(REGION, KEY);
      return { r: REGION, k: KEY, v: version };
    });
    const acknowledgedAt = monotonicMs();
    while (!lastSeen.has(version - 1)) await sleep(1);
    const last = lastSeen.get(version - 1)!;
    lastSeen.delete(version - 1);
    return Math.max(0, last - acknowledgedAt);
  };

  const healthy: number[] = [];
  for (let n = 0; n < HEALTHY_ROUNDS; n++) {
    await sleep(2 + 6 * Math.random());
    healthy.push(await evictAndWait());
  }
  print(`${topology.name}, ${topology.server}, healthy`, healthy);

  const cut: number[] = [];
  for (let n = 0; n < CUTS; n++) {
    child.send(1 satisfies number);
    const until = performance.now() + CUT_MS;
    while (performance.now() < until) {
      await sleep(20 + 200 * Math.random());
      cut.push(await evictAndWait());
    }
    child.send(0);
    await sleep(500);
  }
  print(`channel cut for ${CUT_MS} ms`, cut);
  await end(child);
  await Promise.all([topology.stop(), truth.remove()]);
  process.exit(Math.max(...cut) > MAX_AGE_MS ? 1 : 0);
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
}

function print(what: string, latencies: number[]): void {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(2);
  console.log(
    `${what}: ${sorted.length} evictions, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms (D = ${MAX_AGE_MS} ms)`,
  );
}
