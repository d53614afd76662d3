// What do tags cost on a hit, and how long does it take to evict a tag of 10 to 100,000 entries?
// npm run bench -- tags          (REDIS_URL, else redis-server on PATH; fills with tags are in miss-fill)
import { Redis } from 'ioredis';
import { close, contenders, fill, keysOf, open } from './support/contenders.js';
import { atOnce, measure, median, report, ROUNDS } from './support/measure.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';
import { reportServer, serverTotals } from './support/server-cost.js';

const KEYS = 1_000;
const FLOOR = 'ioredis, MGET a turn + SET';
const SIZES = [10, 1_000, 10_000, 100_000].filter((size) => ROUNDS > 1 || size < 100_000);
/** To a tag of so many, evictions are few. */
const timesOf = (size: number) => (size < 10_000 ? ROUNDS : size < 100_000 ? Math.min(ROUNDS, 3) : 1);

const server = await redisServer();
const admin = new Redis(server.url);
const players = (await open(await contenders('l2'), { url: server.url })).filter(({ cache }) => cache.getTagged);
const keys = keysOf('hit', KEYS);
for (const { cache } of players) await fill(keys, (key) => cache.getTagged!(key, 'hits'));
const candidates = players.map(({ name, cache }) => ({
  name,
  run: atOnce(64, (n) => cache.getTagged!(keys[n % KEYS]!, 'hits')),
}));
report('Tagged hit, 64 at once', await measure(candidates, { chunk: 640 }), FLOOR);
await reportServer('Tagged hit, 64 at once: what Redis does', server.url, candidates, 6_400);

for (const size of SIZES) {
  const rows = players.map(({ name }) => ({ contender: name, ms: [] as number[], commands: 0, kept: 0 }));
  for (let time = 0; time < timesOf(size); time++) {
    for (const [n, player] of players.entries()) {
      const tag = `tag-${size}-${time}`;
      const members = keysOf(tag, size);
      const read = (key: string) => player.cache.getTagged!(key, tag);
      await fill(members, read);
      const before = await serverTotals(admin);
      const began = performance.now();
      await player.cache.evictTag!(tag);
      rows[n]!.ms.push(performance.now() - began);
      rows[n]!.commands = (await serverTotals(admin)).commands - before.commands;
      const { loads } = player;
      await fill(members.slice(0, 10), read);
      rows[n]!.kept += 10 - (player.loads - loads);
    }
  }
  printTable(
    `Evicting a tag of ${size} entries, ${timesOf(size)} times`,
    rows.map(({ contender, ms, commands, kept }) => ({
      contender,
      ms: `${median(ms).toFixed(2)} (${Math.min(...ms).toFixed(2)} to ${Math.max(...ms).toFixed(2)})`,
      'commands, in functions too': commands,
      'of 10 entries each, still there': kept,
    })),
  );
}
admin.disconnect();
await close(players);
await server.stop();
process.exit(0);
