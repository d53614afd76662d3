// Does a load that an eviction overtook leave its old value behind? Two caches as of two processes; one loads for
// 50 ms, the row changes and is evicted at 25 ms, and both are read at 150 ms.
// npm run bench -- stale-set          (REDIS_URL, else redis-server on PATH)
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './support/contender.js';
import { contenders } from './support/contenders.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';
import { ROUNDS } from './support/measure.js';

const LOAD_MS = 50;
const TRIALS = ROUNDS > 1 ? 50 : 5;
const server = await redisServer();

/** How many reads were older than the eviction, by who evicted and who read; trials run side by side. */
async function staleReads(contender: Contender) {
  const rows = new Map<string, number>();
  const load = async (key: string) => {
    const version = rows.get(key) ?? 1;
    await sleep(LOAD_MS);
    return { version };
  };
  const [a, b] = await Promise.all([1, 2].map(() => contender.open({ url: server.url, load })));
  const trial = async (key: string, evictor: typeof a) => {
    const loading = a!.get(key).catch(() => {});
    await sleep(25);
    rows.set(key, 2);
    await evictor!.evict(key);
    await sleep(125);
    await loading;
    const seen = await Promise.all([a, b].map((cache) => cache!.get(key) as Promise<{ version: number }>));
    return seen.map(({ version }) => (version < 2 ? 1 : 0));
  };
  const all = async (name: string, evictor: typeof a) => {
    const seen = await Promise.all(Array.from({ length: TRIALS }, (_, n) => trial(`${name}-${n}`, evictor)));
    return [0, 1].map((who) => seen.reduce((sum, one) => sum + one[who]!, 0));
  };
  // so that both are connected
  await Promise.all([a, b].map((cache) => cache!.get('first')));
  const [own, ownOther] = await all('same', a);
  const [far, farOther] = await all('other', b);
  await Promise.race([Promise.all([a!.close(), b!.close()]), sleep(2_000)]);
  return {
    contender: contender.name,
    'evicted by the loader: old to it': own!,
    'old to the other': ownOther!,
    'evicted by the other: old to the loader': far!,
    'old to the evictor': farOther!,
  };
}

const rows = [];
for (const contender of await contenders('l2', 'l1+l2')) rows.push(await staleReads(contender));
printTable(`Reads of an old value after an eviction that overtook a load, of ${TRIALS} each`, rows);
await server.stop();
process.exit(0);
