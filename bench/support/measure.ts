import { cpus } from 'node:os';

/** One thing to measure: runs its operation `count` times. */
export interface Candidate {
  readonly name: string;
  run(count: number): Promise<void>;
}

interface Round {
  readonly cpuNs: number;
  readonly wallNs: number;
}

/** Medians over the rounds, per operation; `cpuNs` counts user and system time of this process. */
export interface Measured {
  readonly name: string;
  readonly cpuNs: number;
  readonly wallNs: number;
  /** Of the CPU time. */
  readonly least: number;
  readonly most: number;
}

/**
 * Measures the candidates side by side: A B C A B C …, so that a noisy moment of the machine touches all of them.
 *
 * @param count operations per round and candidate
 */
export async function measure(
  candidates: readonly Candidate[],
  { count, rounds = 11 }: { count: number; rounds?: number },
): Promise<Measured[]> {
  const results = candidates.map((): Round[] => []);
  for (const candidate of candidates) await inChunks(candidate, count); // warm-up
  for (let round = 0; round < rounds; round++) {
    for (const [n, candidate] of candidates.entries()) {
      const cpu = process.cpuUsage();
      const began = process.hrtime.bigint();
      await inChunks(candidate, count);
      const wallNs = Number(process.hrtime.bigint() - began) / count;
      const { user, system } = process.cpuUsage(cpu);
      results[n]!.push({ cpuNs: ((user + system) * 1_000) / count, wallNs });
    }
  }
  return candidates.map(({ name }, n) => {
    const cpuNs = results[n]!.map((round) => round.cpuNs).sort((a, b) => a - b);
    const wallNs = results[n]!.map((round) => round.wallNs).sort((a, b) => a - b);
    const middle = Math.floor(rounds / 2);
    return { name, cpuNs: cpuNs[middle]!, wallNs: wallNs[middle]!, least: cpuNs[0]!, most: cpuNs.at(-1)! };
  });
}

/** Lets timers and sockets have their turn now and then, as a server does; else no poll could prove L1. */
async function inChunks(candidate: Candidate, count: number): Promise<void> {
  for (let done = 0; done < count; done += CHUNK) {
    await candidate.run(Math.min(CHUNK, count - done));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const CHUNK = 5_120;

/** Prints a table; ratios are taken of the CPU time against the candidate called `floor`. */
export function report(title: string, measured: readonly Measured[], floor: string): void {
  const base = measured.find(({ name }) => name === floor)!;
  console.log(`\n${title}`);
  console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}`);
  console.table(
    Object.fromEntries(
      measured.map(({ name, cpuNs, wallNs, least, most }) => [
        name,
        {
          'CPU ns/op': Math.round(cpuNs),
          'least-most': `${Math.round(least)}-${Math.round(most)}`,
          'wall ns/op': Math.round(wallNs),
          [`x ${floor}`]: Number((cpuNs / base.cpuNs).toFixed(2)),
          'ops/s (wall)': Math.round(1e9 / wallNs),
        },
      ]),
    ),
  );
}
