// What does a miss cost that is loaded and stored, with a tag and without, beside GET + SET and a plain lease?
// npm run bench -- miss-fill          (REDIS_URL, else redis-server on PATH)
import { close, contenders, open } from './support/contenders.js';
import { GET_SET } from './support/floors.js';
import { atOnce, type Candidate, measure, report } from './support/measure.js';
import { redisServer } from './support/redis-server.js';
import { reportServer } from './support/server-cost.js';

const server = await redisServer();
const players = await open(await contenders('l2'), { url: server.url });

for (const width of [1, 64]) {
  const candidates = players.flatMap(({ name, cache: { get, getTagged } }): Candidate[] => {
    const plain = { name, run: atOnce(width, (n) => get(`w${width}-${n}`)) };
    // 100 entries to a tag
    const readTagged = (n: number) => getTagged!(`t${width}-${n}`, `tag-${Math.floor(n / 100)}`);
    return getTagged ? [plain, { name: `${name}, tagged`, run: atOnce(width, readTagged) }] : [plain];
  });
  report(
    `Miss and fill, ${width} at once`,
    await measure(candidates, { chunk: Math.max(32, 4 * width), warmUpMs: 1_500 }),
    GET_SET,
  );
  await reportServer(`Miss and fill, ${width} at once: what Redis does`, server.url, candidates, 16 * width);
}
await close(players);
await server.stop();
process.exit(0);
