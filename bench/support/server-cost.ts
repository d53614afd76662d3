import { Redis } from 'ioredis';
import { type Candidate } from './measure.js';
import { printTable } from './print-table.js';

/** What a server did since it started. */
export async function serverTotals(client: Redis) {
  const info = await client.info('everything');
  const sum = (pattern: RegExp) => [...info.matchAll(pattern)].reduce((total, [, number]) => total + Number(number), 0);
  return {
    cpuUs: 1e6 * sum(/^used_cpu_(?:sys|user):([\d.]+)/gm),
    /** Those inside functions and scripts too. */
    commands: sum(/^cmdstat_(?!info|config)[^:]+:calls=(\d+)/gm),
    bytes: sum(/^used_memory_dataset:(\d+)/gm),
  };
}

/** Prints what an operation of each costs Redis. */
export async function reportServer(title: string, url: string, candidates: readonly Candidate[], count: number) {
  const client = new Redis(url);
  const rows = [];
  for (const { name, run, prepare } of candidates) {
    await prepare?.();
    const before = await serverTotals(client);
    await run(count);
    const after = await serverTotals(client);
    rows.push({
      contender: name,
      'commands/op, in functions too': (after.commands - before.commands) / count,
      'server CPU µs/op': (after.cpuUs - before.cpuUs) / count,
    });
  }
  client.disconnect();
  printTable(title, rows);
}
