// What does evicting 1,000 entries cost: one at a time, all in one turn, and in one call?
// npm run bench -- evictions          (REDIS_URL, else redis-server on PATH)
import { close, contenders, fill, keysOf, open, type Player } from './support/contenders.js';
import { GET_SET } from './support/floors.js';
import { atOnce, type Candidate, measure, report } from './support/measure.js';
import { redisServer } from './support/redis-server.js';
import { reportServer } from './support/server-cost.js';

const KEYS = 1_000;
const server = await redisServer();
const players = await open(await contenders('l2'), { url: server.url });
const keys = keysOf('evict', KEYS);

type Way = (cache: Player['cache']) => Candidate['run'] | undefined;
const WAYS: [name: string, way: Way][] = [
  ['one at a time', (cache) => atOnce(1, (n) => cache.evict(keys[n % KEYS]!))],
  ['in one turn', (cache) => atOnce(KEYS, (n) => cache.evict(keys[n % KEYS]!))],
  ['in one call', (cache) => cache.evictMany && (async () => void (await cache.evictMany!(keys)))],
];
for (const [name, way] of WAYS) {
  const candidates = players.flatMap(({ name: contender, cache }): Candidate[] => {
    const run = way(cache);
    return run ? [{ name: contender, run, prepare: () => fill(keys, cache.get) }] : [];
  });
  const title = `Evicting ${KEYS} entries ${name}`;
  report(title, await measure(candidates, { chunk: KEYS, roundMs: 10 }), GET_SET);
  await reportServer(`${title}: what Redis does`, server.url, candidates, KEYS);
}
await close(players);
await server.stop();
process.exit(0);
