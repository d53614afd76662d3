import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { atEnd, tempDir } from '../support/servers/processes.js';
import type { RunSummary } from './coordinator.js';

/**
 * The long run: one topology after another, again and again with the next seed, until the time is over. The summary
 * file is written after each round. What follows `--` goes to every run. Ends with 1 when a promise was broken, or a
 * run left no summary.
 */

interface Total {
  runs: number;
  seconds: number;
  reads: number;
  evictions: number;
  writes: number;
  commits: number;
  notAcknowledged: number;
  loads: number;
  strictCrashes: number;
  plainCrashes: number;
  /** How long the old value was read after a crash without a fence, ms: the longest. */
  longestPlainCrashWindowMs: number;
  worstAgeMs: number;
  slowestReadMs: number;
  violations: Record<string, number>;
  faults: Record<string, number>;
  problems: string[];
  servers: string[];
  nodes: string[];
  /** Of the last run: of all processes together, in the order of time. */
  rssMb: readonly number[];
}

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    topologies: { type: 'string', default: 'standalone,sentinel,cluster' },
    'run-seconds': { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    summary: { type: 'string', default: 'history-summary.json' },
  },
  allowPositionals: true,
});

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
/** What runs side by side, in turn by seed. */
const SIDE_BY_SIDE = [[], ['--mixed-shapes'], ['--next-version'], ['--mixed-codecs']];
/** Many reads, few enough writes that most of them hit. */
const LOAD = ['--readers', '150', '--write-pause', '20', '--load-max', '12', '--keys', '48'];

const totals: Record<string, Total> = existsSync(values.summary)
  ? (JSON.parse(readFileSync(values.summary, 'utf8')) as Record<string, Total>)
  : {};
const until = performance.now() + Number(values.minutes) * 60_000;
const directory = tempDir();
let isBroken = false;
for (let seed = Number(values.seed); performance.now() < until; seed++) {
  for (const topology of values.topologies.split(',')) {
    const summary = await run(topology, seed);
    if (summary === null) {
      isBroken = true;
      continue;
    }
    const total = (totals[topology] ??= emptyTotal());
    add(total, summary);
    isBroken ||= Object.keys(summary.violations).length > 0;
    writeFileSync(values.summary, `${JSON.stringify(totals, null, 2)}\n`);
    console.log(
      `${new Date().toISOString()} ${topology} seed ${seed}: ${total.reads} reads, ${total.evictions + total.writes} acknowledged writes, ` +
        `violations ${JSON.stringify(total.violations)}, worst L1 age ${total.worstAgeMs.toFixed(0)} ms, problems ${total.problems.length}`,
    );
  }
}
process.exit(isBroken ? 1 : 0);

async function run(topology: string, seed: number): Promise<RunSummary | null> {
  const path = join(directory, `${topology}-${seed}.json`);
  const args = ['--topology', topology, '--seed', String(seed), '--seconds', values['run-seconds'], '--summary', path];
  const mixed = SIDE_BY_SIDE[seed % SIDE_BY_SIDE.length]!;
  const child = spawn(process.execPath, [MAIN, ...args, ...LOAD, ...mixed, ...positionals], { stdio: 'inherit' });
  // it has servers and processes of its own to end
  const forget = atEnd(() => child.kill('SIGTERM'));
  await once(child, 'exit');
  forget();
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as RunSummary;
  console.error(`${topology}, seed ${seed}: the run left no summary`);
  return null;
}

function add(total: Total, summary: RunSummary): void {
  const { figures } = summary;
  total.runs += 1;
  total.seconds += summary.seconds;
  total.reads += figures.reads;
  total.evictions += figures.evictions;
  total.writes += figures.writes;
  total.commits += figures.commits;
  total.notAcknowledged += figures.pending;
  total.loads += figures.loads;
  total.strictCrashes += figures.strictCrashes;
  total.plainCrashes += figures.plainCrashWindowsMs.length;
  total.longestPlainCrashWindowMs = Math.max(total.longestPlainCrashWindowMs, ...figures.plainCrashWindowsMs);
  total.worstAgeMs = Math.max(total.worstAgeMs, figures.worstAgeMs);
  total.slowestReadMs = Math.max(total.slowestReadMs, summary.slowestReadMs);
  addCounts(total.violations, summary.violations);
  addCounts(total.faults, summary.faults);
  total.problems.push(...summary.problems.slice(0, 5));
  total.servers = [...new Set([...total.servers, summary.server])];
  total.nodes = [...new Set([...total.nodes, summary.node])];
  total.rssMb = summary.rssMb;
}

function addCounts(total: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
}

function emptyTotal(): Total {
  return {
    runs: 0,
    seconds: 0,
    reads: 0,
    evictions: 0,
    writes: 0,
    commits: 0,
    notAcknowledged: 0,
    loads: 0,
    strictCrashes: 0,
    plainCrashes: 0,
    longestPlainCrashWindowMs: 0,
    worstAgeMs: 0,
    slowestReadMs: 0,
    violations: {},
    faults: {},
    problems: [],
    servers: [],
    nodes: [],
    rssMb: [],
  };
}
