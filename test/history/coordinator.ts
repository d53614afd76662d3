import { sleep, tempDir } from '../support/servers/processes.js';
import { startRedis } from '../support/servers/redis.js';
import { type FaultRecord, FaultSchedule } from './fault-schedule.js';
import { type CheckedFigures, HistoryChecker, type Violation } from './history-checker.js';
import type { LoadDelays, Mix, WorkerReport, WorkerState } from './messages.js';
import { monotonicMs } from './monotonic.js';
import { nextVersionOf } from './next-version.js';
import type { Operation } from './operation.js';
import { processFaults } from './process-faults.js';
import { Random } from './random.js';
import type { Fault, Topology } from './topology.js';
import { traceOf } from './trace.js';
import { BUILD, WorkerPool } from './worker-pool.js';

export interface RunOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly workers: number;
  readonly cache: 'module' | 'naive';
  readonly keyCount: number;
  readonly readers: number;
  readonly writers: number;
  readonly writePauseMs: number;
  readonly readPauseMs: number;
  readonly burstPauseMs: number;
  readonly maxAgeMs: number;
  readonly shortTtlMs: number;
  readonly fenceMs: number;
  readonly longestWriteMs: number;
  /** Share of the writes that are abandoned after their commit. */
  readonly abandonShare: number;
  readonly reads: 'plain' | 'function';
  readonly onFailover: 'flush' | 'stale' | 'keep';
  readonly regions: readonly string[];
  readonly mix: Mix;
  readonly loadDelays: LoadDelays;
  /** Names of faults; `all`, or none. */
  readonly faults: 'all' | readonly string[];
  readonly faultPauseMs: readonly [number, number];
  /** The run ends when it has found so many. */
  readonly maxViolations: number;
  readonly isQuiet: boolean;
  /** Half of the processes run a copy of the build with the next version of the protocol. */
  readonly hasNextVersion: boolean;
  readonly hasMixedShapes: boolean;
  readonly hasMixedCodecs: boolean;
}

export interface RunSummary {
  readonly topology: string;
  readonly server: string;
  readonly node: string;
  readonly seed: number;
  readonly seconds: number;
  readonly violations: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
  readonly figures: CheckedFigures;
  readonly faults: Readonly<Record<string, number>>;
  /** By code, with how often. */
  readonly errors: Readonly<Record<string, number>>;
  readonly slowestReadMs: number;
  /** Sum of all processes, in MB, over the run. */
  readonly rssMb: readonly number[];
}

/** How often histories are collected and checked; more often where the first violation ends the run. */
const SEGMENT_MS = 2_000;
const SHORT_SEGMENT_MS = 500;
/** Between the rollback and the end of the fault, as this process records it, and of a poll on its way. */
const LATE_MS = 50;
const TRACED_VIOLATIONS = 3;
const KEPT_SEGMENTS = 8;
const KEPT_PROBLEMS = 50;

/** One run: servers, processes, faults, histories, and the verdict. */
export async function runHistory(
  topology: Topology,
  options: RunOptions,
  print: (line: string) => void,
): Promise<RunSummary> {
  const directory = tempDir();
  const source = await startRedis();
  const violations: Record<string, number> = {};
  const problems: string[] = [];
  const onProblem = (message: string) => {
    if (problems.length < KEPT_PROBLEMS) problems.push(message);
    print(`PROBLEM ${message}`);
  };
  const faultLog: FaultRecord[] = [];
  const errors: Record<string, number> = {};
  const rssMb: number[] = [];
  let slowestReadMs = 0;
  let found = 0;
  const segments: Operation[][] = [];

  const onViolation = (violation: Violation) => {
    violations[violation.rule] = (violations[violation.rule] ?? 0) + 1;
    found += 1;
    if (found <= TRACED_VIOLATIONS && !options.isQuiet) {
      print(`VIOLATION (seed ${options.seed}) ${traceOf(violation, segments.flat(), faultLog)}`);
    }
  };
  const checker = new HistoryChecker({
    keyCount: options.keyCount,
    maxAgeMs: options.maxAgeMs,
    fenceMs: options.fenceMs,
    mayHaveLostFences: (begin, end) =>
      faultLog.some((fault) => fault.losesData && fault.begin <= end && fault.end >= begin),
    maySeeRollback: ({ begin, end }) =>
      faultLog.some((fault) => fault.isSilent && fault.begin <= end && fault.end + options.maxAgeMs + LATE_MS >= begin),
    isBoundedByAge: ({ begin, end }) =>
      faultLog.some((fault) => fault.isBoundedByAge && fault.begin <= end && fault.end >= begin),
    onViolation,
  });

  const normal: WorkerState = {
    mix: options.mix,
    loadDelays: options.loadDelays,
    dropShare: 0,
    messageDelayMs: 0,
    abandonShare: options.abandonShare,
    clockShiftMs: 0,
  };
  const pool = new WorkerPool({
    directory,
    seed: options.seed,
    state: normal,
    onProblem,
    builds: options.hasNextVersion ? [BUILD, nextVersionOf(BUILD)] : [BUILD],
    hasMixedShapes: options.hasMixedShapes,
    hasMixedCodecs: options.hasMixedCodecs,
    stayingConnection: topology.stayingConnection,
    config: {
      sourcePort: source.port,
      cache: options.cache,
      options: {
        service: 'history',
        redis: topology.connection,
        reads: options.reads,
        onFailover: options.onFailover,
        ...(topology.buckets === undefined ? {} : { buckets: topology.buckets }),
      },
      maxAgeMs: options.maxAgeMs,
      shortTtlMs: options.shortTtlMs,
      fenceMs: options.fenceMs,
      longestWriteMs: options.longestWriteMs,
      keyCount: options.keyCount,
      readerCount: options.readers,
      writerCount: options.writers,
      writePauseMs: options.writePauseMs,
      readPauseMs: options.readPauseMs,
      burstPauseMs: options.burstPauseMs,
      regions: options.regions,
    },
  });

  const collect = async () => {
    const { operations, watermark, reports } = await pool.collect();
    segments.push(operations);
    if (segments.length > KEPT_SEGMENTS) segments.shift();
    checker.check(operations, watermark);
    note(reports.values());
  };
  const note = (reports: Iterable<WorkerReport>) => {
    let rss = 0;
    for (const report of reports) {
      rss += report.rssBytes;
      slowestReadMs = Math.max(slowestReadMs, report.slowestReadMs);
      for (const [what, count] of Object.entries(report.errors)) errors[what] = (errors[what] ?? 0) + count;
    }
    rssMb.push(Math.round(rss / 1024 ** 2));
  };

  const begin = monotonicMs();
  const schedules: FaultSchedule[] = [];
  try {
    for (let n = 0; n < options.workers; n++) await pool.add();
    const random = new Random(options.seed);
    for (const faults of [topology.faults, processFaults(pool, normal)]) {
      const schedule = new FaultSchedule({
        faults: faults.filter((fault) => isWanted(fault, options.faults)),
        random: new Random(random.below(2 ** 31)),
        pauseMs: options.faultPauseMs,
        log: faultLog,
        onProblem,
      });
      schedules.push(schedule);
      schedule.start();
    }
    const until = monotonicMs() + options.seconds * 1_000;
    const segmentMs = options.maxViolations === 1 ? SHORT_SEGMENT_MS : SEGMENT_MS;
    let printedAt = begin;
    while (monotonicMs() < until && found < options.maxViolations) {
      await sleep(Math.max(1, Math.min(segmentMs, until - monotonicMs())));
      await collect();
      if (options.isQuiet || monotonicMs() - printedAt < 10_000) continue;
      printedAt = monotonicMs();
      print(progress(checker.figures, faultLog.length, found, (printedAt - begin) / 1_000));
    }
    await Promise.all(schedules.map((schedule) => schedule.stop()));
    await pool.finish();
    await collect();
    checker.check([], Infinity);
  } finally {
    await Promise.all(schedules.map((schedule) => schedule.stop()));
    await pool.finish();
    await Promise.all([topology.stop(), source.remove()]);
  }
  return {
    topology: topology.name,
    server: topology.server,
    node: process.version,
    seed: options.seed,
    seconds: Math.round((monotonicMs() - begin) / 1_000),
    violations,
    problems,
    figures: checker.figures,
    faults: countByName(faultLog),
    errors,
    slowestReadMs: Math.round(slowestReadMs),
    rssMb: thinOut(rssMb),
  };
}

const isWanted = ({ name }: Fault, wanted: RunOptions['faults']): boolean => wanted === 'all' || wanted.includes(name);

function countByName(faults: readonly FaultRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of faults) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** At most 40 of them, spread over the run. */
function thinOut(values: readonly number[]): number[] {
  const step = Math.max(1, Math.floor(values.length / 40));
  return values.filter((_, index) => index % step === 0);
}

function progress(figures: CheckedFigures, faults: number, found: number, seconds: number): string {
  const { reads, evictions, writes, commits, staleReads, worstAgeMs } = figures;
  return (
    `${seconds.toFixed(0)} s: ${reads} reads, ${evictions + writes} acknowledged writes, ${commits} commits, ${faults} faults, ` +
    `${staleReads} within D (worst ${worstAgeMs.toFixed(1)} ms), ${found} violations`
  );
}
