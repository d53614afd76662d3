// What do two tiers bring for keys of uneven popularity: throughput, and latency at a steady rate?
// npm run bench -- zipf          (REDIS_URL, else redis-server on PATH)
import { drawsOf } from './sizing/draws.js';
import { arrivals } from './support/arrivals.js';
import { close, contenders, fill, keysOf, open } from './support/contenders.js';
import { GET_SET } from './support/floors.js';
import { atOnce, measure, median, report, ROUNDS } from './support/measure.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';

const KEYS = 10_000;
const L1_ENTRIES = 1_000;
const PER_SECOND = 5_000;
const server = await redisServer();
const list = (await contenders('l2', 'l1+l2')).filter(({ name, tiers }) => tiers === 'l1+l2' || name === GET_SET);
const players = await open(list, { url: server.url, maxEntries: L1_ENTRIES });
const keys = keysOf('zipf', KEYS);
for (const { cache } of players) await fill(keys, cache.get);
const warm = players.map(({ loads }) => loads);

/** The same for all. */
const draw = drawsOf({ keys: KEYS, skew: 0.99 }, Math.random);
const drawn = Array.from({ length: 2 ** 17 }, () => keys[draw()]!);
const candidates = players.map(({ name, cache }) => ({
  name,
  run: atOnce(64, (n) => cache.get(drawn[n % drawn.length]!)),
}));
const title = `Zipf (0.99) over ${KEYS} keys, L1 of ${L1_ENTRIES} entries, warm`;
report(`${title}, 64 at once`, await measure(candidates, { chunk: 640 }), GET_SET);

const rounds = players.map(() => [] as { p50: number; p99: number }[]);
for (let round = 0; round < Math.min(ROUNDS, 5); round++) {
  for (const [n, { cache }] of players.entries()) {
    const one = (at: number) => cache.get(drawn[(at + round * PER_SECOND) % drawn.length]!);
    rounds[n]!.push(await arrivals(one, { perSecond: PER_SECOND, forMs: 1_000 }));
  }
}
const spread = (values: number[]) => {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
};
printTable(
  `${title}: latency of ${PER_SECOND} arrivals a second, from when each was due`,
  players.map(({ name, loads }, n) => ({
    contender: name,
    'p50 ms': spread(rounds[n]!.map(({ p50 }) => p50)),
    'p99 ms': spread(rounds[n]!.map(({ p99 }) => p99)),
    misses: loads - warm[n]!,
  })),
);
await close(players);
await server.stop();
process.exit(0);
