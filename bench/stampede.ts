// How often is a cold key loaded that 1,000 callers in 4 processes ask for at once, and how long do they wait?
// npm run bench -- stampede          (REDIS_URL, else redis-server on PATH)
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { close, contenders, open } from './support/contenders.js';
import { median, ROUNDS } from './support/measure.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';

const LOAD_MS = 50;
const CALLERS = 250;
const PROCESSES = 4;

interface Burst {
  readonly contender: number;
  readonly key: string;
  /** By the wall clock. */
  readonly at: number;
}
interface Outcome {
  readonly loads: number;
  readonly ms: number;
  readonly errors: number;
}

const list = await contenders('l2', 'l1+l2');
if (process.send) await serve(process.argv[2]!);
else await compare();

/** In a process of its own, with every contender open. */
async function serve(url: string): Promise<void> {
  const players = await open(list, { url, loadMs: LOAD_MS });
  const burst = async ({ contender, key, at }: Burst): Promise<Outcome> => {
    const player = players[contender]!;
    const before = player.loads;
    await sleep(Math.max(0, at - Date.now()));
    const began = performance.now();
    const answers = await Promise.allSettled(Array.from({ length: CALLERS }, () => player.cache.get(key)));
    const errors = answers.filter(
      (one) => one.status === 'rejected' || (one.value as { id?: string } | undefined)?.id !== key,
    );
    return { loads: player.loads - before, ms: performance.now() - began, errors: errors.length };
  };
  process.on('message', (message: Burst) => void burst(message).then((outcome) => process.send!(outcome)));
  process.on('disconnect', () => void close(players).then(() => process.exit(0)));
  process.send!('open');
}

async function compare(): Promise<void> {
  const server = await redisServer();
  const children = Array.from({ length: PROCESSES }, () => fork(fileURLToPath(import.meta.url), [server.url]));
  await Promise.all(children.map((child) => once(child, 'message')));
  const ask = async (child: ChildProcess, burst: Burst) => {
    child.send(burst);
    return ((await once(child, 'message')) as [Outcome])[0];
  };
  const seen = list.map(() => [] as Outcome[]);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [contender] of list.entries()) {
      const burst = { contender, key: `cold-${contender}-${round}`, at: Date.now() + 30 };
      const parts = await Promise.all(children.map((child) => ask(child, burst)));
      const sum = (of: (part: Outcome) => number) => parts.reduce((total, part) => total + of(part), 0);
      const whole = { loads: sum(({ loads }) => loads), errors: sum(({ errors }) => errors) };
      // the first burst warms up
      if (round > 0) seen[contender]!.push({ ...whole, ms: Math.max(...parts.map(({ ms }) => ms)) });
    }
  }
  printTable(
    `Stampede: ${PROCESSES} processes, ${CALLERS} callers each, one cold key, a load takes ${LOAD_MS} ms; least possible: 1 load, ${LOAD_MS} ms`,
    list.map(({ name }, n) => {
      const [loads, ms] = [seen[n]!.map((one) => one.loads), seen[n]!.map((one) => one.ms)];
      return {
        contender: name,
        loads: `${median(loads)} (at most ${Math.max(...loads)})`,
        'ms until all have it': `${median(ms).toFixed(0)} (${Math.min(...ms).toFixed(0)} to ${Math.max(...ms).toFixed(0)})`,
        errors: seen[n]!.reduce((sum, one) => sum + one.errors, 0),
      };
    }),
  );
  for (const child of children) child.disconnect();
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  await server.stop();
  process.exit(0);
}
