import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import type { CacheUnderTest } from './cache-under-test.js';
import { HistoryWriter } from './history-file.js';
import { faultMessages } from './message-faults.js';
import type { FromWorker, ToWorker, WorkerConfig, WorkerState } from './messages.js';
import { ModuleCache } from './module-cache.js';
import { monotonicMs } from './monotonic.js';
import { NaiveCache } from './naive-cache.js';
import { Random } from './random.js';
import { REGIONS, regionOptions } from './regions.js';
import { type Row, SourceOfTruth } from './source-of-truth.js';
import { shiftWallClock, suspend } from './wall-clock.js';
import { Workload } from './workload.js';

/**
 * One process of the checker: an application with a cache, its workload, and its history. Started by the coordinator.
 */

const FLUSH_EVERY_MS = 50;

const config = JSON.parse(process.env['HISTORY_WORKER']!) as WorkerConfig;
const state: WorkerState & { -readonly [Name in keyof WorkerState]: WorkerState[Name] } = { ...config.state };
const tell = (message: FromWorker) => void process.send?.(message);

shiftWallClock(state);
faultMessages(state, config.seed + 1);
process.on('unhandledRejection', (error) =>
  tell({ kind: 'problem', message: `unhandled rejection: ${stackOf(error)}` }),
);
process.on('uncaughtException', (error) => tell({ kind: 'problem', message: `uncaught: ${stackOf(error)}` }));
process.on('disconnect', () => process.exit(0));

const history = new HistoryWriter(config.historyPath);
const source = new SourceOfTruth(config.sourcePort);
const delays = new Random(config.seed + 2);
const cache = createCache();
await cache.open();
const workload = new Workload({ config, state, cache, source, history });
process.on('message', (message: ToWorker) => void receive(message));
setInterval(() => history.flush(), FLUSH_EVERY_MS);
workload.start();
tell({ kind: 'ready' });

function createCache(): CacheUnderTest {
  if (config.cache === 'naive') {
    const { port } = config.options.redis as { port: number };
    return new NaiveCache(port, config.keyCount, load);
  }
  const { options, maxAgeMs } = config;
  return new ModuleCache({ ...options, l1: { maxAge: maxAgeMs }, regions: regionOptions(config) }, load);
}

/** What the application loads: slow at times, before and after it reads the source. */
async function load(region: number, key: number): Promise<Row> {
  const { madeOf } = REGIONS[region]!;
  if (madeOf !== undefined) return compose(region, madeOf, key);
  const begin = monotonicMs();
  await pauseAtRandom();
  const v = await source.read(region, key);
  await pauseAtRandom();
  history.add('load', region, key, v, begin, monotonicMs());
  return { r: region, k: key, v };
}

/** A value made of a cached one, read at once or after other work. */
async function compose(region: number, inner: number, key: number): Promise<Row> {
  if (delays.chance(0.5)) await pauseAtRandom();
  const { v } = await (delays.chance(0.5) ? cache.find(inner, key) : cache.getOrLoad(inner, key));
  if (delays.chance(0.5)) await pauseAtRandom();
  return { r: region, k: key, v };
}

async function pauseAtRandom(): Promise<void> {
  const { maxMs, tailShare, tailMs, slowShare, slowMs } = state.loadDelays;
  const chance = delays.next();
  const longest = chance < slowShare ? slowMs : chance < slowShare + tailShare ? tailMs : maxMs;
  const ms = Math.floor(longest * delays.next());
  if (ms > 0) await pause(ms);
}

async function receive(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'set':
      Object.assign(state, message.state);
      return;
    case 'crash':
      return workload.crashAtNextCommit(message.isStrict);
    case 'suspend':
      return suspend(message.ms);
    case 'rotate':
      return rotate(message.historyPath);
    case 'finish':
      await workload.stop();
      await cache.close();
      source.close();
      history.flush();
      process.exit(0);
  }
}

function rotate(historyPath: string): void {
  const watermark = workload.watermark();
  history.rotate(historyPath);
  const { rss, heapUsed } = process.memoryUsage();
  const report = {
    rssBytes: rss,
    heapBytes: heapUsed,
    ...cache.status(),
    slowestReadMs: workload.slowestReadMs,
    errors: { ...workload.errors },
  };
  workload.slowestReadMs = 0;
  for (const what of Object.keys(workload.errors)) delete workload.errors[what];
  tell({ kind: 'rotated', watermark, report });
}

/** Hoisted: the start may fail too. */
function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
