import { printTable } from './print-table.js';

/** One thing to measure: runs its operation `count` times. */
export interface Candidate {
  readonly name: string;
  run(count: number): Promise<void>;
  /** Before each chunk, and not measured. */
  prepare?(): Promise<void>;
}

/** Nanoseconds per operation, one figure for each round; `cpuNs` counts user and system time of this process. */
export interface Measured {
  readonly name: string;
  readonly cpuNs: readonly number[];
  readonly wallNs: readonly number[];
}

/** `BENCH_ROUNDS=1` tries whether everything runs. */
export const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7);

/**
 * Measures the candidates side by side, in rounds: A B C, B C A, …, so that a noisy moment of the machine touches all
 * of them.
 *
 * @param chunk operations between two turns of the event loop; timers and sockets have their turn there, as in a server
 * (else no poll could prove L1)
 * @param roundMs how long a candidate runs in each round, at least one chunk
 * @param warmUpMs how long it runs before; where much code takes part, the compiler is not done after one round
 */
export async function measure(
  candidates: readonly Candidate[],
  { chunk, roundMs = 150, warmUpMs = roundMs }: { chunk: number; roundMs?: number; warmUpMs?: number },
): Promise<Measured[]> {
  const results = candidates.map(({ name }) => ({ name, cpuNs: [] as number[], wallNs: [] as number[] }));
  for (const candidate of candidates) await runFor(candidate, chunk, warmUpMs);
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < candidates.length; n++) {
      const which = (n + round) % candidates.length;
      // none pays for the garbage of another; and what a full collection costs it of its code is a part of its price
      globalThis.gc?.();
      const { cpuNs, wallNs } = await runFor(candidates[which]!, chunk, roundMs);
      results[which]!.cpuNs.push(cpuNs);
      results[which]!.wallNs.push(wallNs);
    }
  }
  return results;
}

async function runFor({ run, prepare }: Candidate, chunk: number, roundMs: number) {
  let [count, cpuUs, wallMs] = [0, 0, 0];
  for (; count === 0 || wallMs < roundMs; count += chunk) {
    await prepare?.();
    const cpu = process.cpuUsage();
    const began = performance.now();
    await run(chunk);
    await new Promise((resolve) => setImmediate(resolve));
    wallMs += performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    cpuUs += user + system;
  }
  return { cpuNs: (cpuUs * 1e3) / count, wallNs: (wallMs * 1e6) / count };
}

/** Runs `one` `width` at a time; one after the other where it is 1. @param one is handed 0, 1, 2, … over all runs */
export function atOnce(width: number, one: (n: number) => Promise<unknown>): Candidate['run'] {
  let next = 0;
  return async (count) => {
    for (const end = next + count; next < end; next += width) {
      if (width === 1) await one(next);
      else await Promise.all(Array.from({ length: Math.min(width, end - next) }, (_, i) => one(next + i)));
    }
  };
}

export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/**
 * How much faster than the floor, round by round: median ± half the range. "?": the difference is less than the spread.
 */
export function ratio(floor: readonly number[], values: readonly number[]): string {
  const ratios = values.map((value, round) => floor[round]! / value);
  const middle = median(ratios);
  const spread = (Math.max(...ratios) - Math.min(...ratios)) / 2;
  const isUnclear = values !== floor && (values.length < 2 || spread >= Math.abs(middle - 1));
  return `${middle.toFixed(2)} ± ${spread.toFixed(2)}${isUnclear ? ' ?' : ''}`;
}

/** Prints a table; ratios to the candidate called `floor`, higher is faster. */
export function report(title: string, measured: readonly Measured[], floor: string): void {
  const base = measured.find(({ name }) => name === floor)!;
  printTable(
    `${title}; ratios to ${floor}`,
    measured.map(({ name, cpuNs, wallNs }) => ({
      contender: name,
      'CPU ns/op': Math.round(median(cpuNs)),
      'ratio of CPU': ratio(base.cpuNs, cpuNs),
      'ops/s': Math.round(1e9 / median(wallNs)),
      'ratio of ops/s': ratio(base.wallNs, wallNs),
    })),
  );
}
