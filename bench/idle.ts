// What does an instance cost Redis that nobody asks, and one in use, beside its reads?
// npm run bench -- idle          (REDIS_URL, else redis-server on PATH)
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { OURS } from './support/ours.js';
import { close, open } from './support/contenders.js';
import { ROUNDS } from './support/measure.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';
import { serverTotals } from './support/server-cost.js';

const INSTANCES = 50;
const SECONDS = ROUNDS > 1 ? 10 : 2;
const server = await redisServer();
const admin = new Redis(server.url);

const calls = async () => {
  const [, count, us] = /cmdstat_fcall:calls=(\d+),usec=(\d+)/.exec(await admin.info('commandstats')) ?? [];
  return { count: Number(count ?? 0), us: Number(us ?? 0) };
};
const rows = [];
for (const contender of OURS) {
  for (const isUsed of [false, true]) {
    const players = await open(Array(INSTANCES).fill(contender), { url: server.url });
    if (isUsed) await Promise.all(players.map(({ cache }) => cache.get('one')));
    await sleep(1_000);
    const [before, totals] = [await calls(), await serverTotals(admin)];
    await sleep(SECONDS * 1_000);
    const [after, end] = [await calls(), await serverTotals(admin)];
    rows.push({
      contender: `${contender.name}, ${isUsed ? 'used once' : 'never asked'}`,
      'FCALL/s and instance': (after.count - before.count) / SECONDS / INSTANCES,
      'µs inside a call': (after.us - before.us) / (after.count - before.count),
      'server CPU µs/s and instance': (end.cpuUs - totals.cpuUs) / SECONDS / INSTANCES,
    });
    await close(players);
  }
}
printTable(`What ${INSTANCES} instances cost a server`, rows);
admin.disconnect();
await server.stop();
process.exit(0);
