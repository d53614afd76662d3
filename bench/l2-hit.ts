// What does a hit in Redis cost, one at a time, 16 and 256 at once, beside raw ioredis GET + JSON.parse in the same
// run?
// npm run bench -- l2-hit          (REDIS_URL, else redis-server on PATH)
import { close, contenders, fill, keysOf, open } from './support/contenders.js';
import { GET_SET } from './support/floors.js';
import { atOnce, measure, report } from './support/measure.js';
import { redisServer } from './support/redis-server.js';
import { reportServer } from './support/server-cost.js';

const KEYS = 1_000;
const server = await redisServer();

for (const bytes of [200, 4_000]) {
  const players = await open(await contenders('l2'), { url: server.url, bytes });
  const keys = keysOf(`b${bytes}`, KEYS);
  for (const { cache } of players) await fill(keys, cache.get);
  for (const width of [1, 16, 256]) {
    const candidates = players.map(({ name, cache }) => ({
      name,
      run: atOnce(width, (n) => cache.get(keys[n % KEYS]!)),
    }));
    report(
      `L2 hit, ${bytes} B, ${width} at once`,
      await measure(candidates, { chunk: Math.max(64, 2 * width) }),
      GET_SET,
    );
    await reportServer(`L2 hit, ${bytes} B, ${width} at once: what Redis does`, server.url, candidates, 64 * width);
  }
  for (const { name, loads } of players) if (loads !== KEYS) console.log(`${name} had ${loads - KEYS} misses.`);
  await close(players);
}
await server.stop();
process.exit(0);
