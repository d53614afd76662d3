// What do 1, 2, 5 and 10 tags cost on a hit, on a miss and in memory; and what does it cost to evict a tag of a million
// entries?
// npm run bench -- many-tags          (REDIS_URL, else redis-server on PATH; MEMBERS=100000 is quicker)
import { Redis } from 'ioredis';
import { engineOf } from '../lib/cache/redis-cache.js';
import { createCache } from '../lib/create-cache.js';
import { resolveOptions } from '../lib/options/resolve-options.js';
import { silentLogger } from '../lib/shared/logger.js';
import { fill, keysOf } from './support/contenders.js';
import { atOnce, measure, report } from './support/measure.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';
import { reportServer, serverTotals } from './support/server-cost.js';

const TAGS = [0, 1, 2, 5, 10];
const KEYS = keysOf('key', 1_000);
const MEMBERS = Number(process.env['MEMBERS'] ?? 1_000_000);

const server = await redisServer();
const admin = new Redis(server.url);
const options = { service: 'bench', redis: { url: server.url }, l1: false, ttl: '1h' } as const;
const cache = createCache(resolveOptions(options), { logger: silentLogger });
await engineOf(cache).open();

const reads = TAGS.map((count) => {
  const tags = Array.from({ length: count }, (_, n) => `tag-${n}`);
  const region = cache.region<unknown>(`with-${count}`);
  const read = (key: string) => region.getOrLoad(key, async () => ({ id: key, text: 'x'.repeat(150) }), { tags });
  return { count, name: `${count} tags`, region, read };
});
const memory = async () => Number(/used_memory:(\d+)/.exec(await admin.info('memory'))![1]);
const bytes = [];
for (const { name, read } of reads) {
  const before = await memory();
  await fill(KEYS, read);
  bytes.push({
    entries: `${KEYS.length} of ${name}`,
    'bytes in Redis per entry': ((await memory()) - before) / KEYS.length,
  });
}
printTable('Entries of about 200 B', bytes);

const hits = reads.map(({ name, read }) => ({ name, run: atOnce(64, (n) => read(KEYS[n % KEYS.length]!)) }));
report('Hit, 64 at once', await measure(hits, { chunk: 640 }), hits[0]!.name);
await reportServer('Hit, 64 at once: what Redis does', server.url, hits, 6_400);

let fresh = 0;
const misses = reads.map(({ name, read }) => ({ name, run: atOnce(64, () => read(`new-${fresh++}`)) }));
report('Miss and fill, 64 at once', await measure(misses, { chunk: 640 }), misses[0]!.name);
await reportServer('Miss and fill, 64 at once: what Redis does', server.url, misses, 6_400);

const members = keysOf('member', MEMBERS);
const region = cache.region<unknown>('members');
let loads = 0;
const read = (key: string) => {
  const load = async () => {
    loads += 1;
    return { id: key };
  };
  return region.getOrLoad(key, load, { tags: ['all'] });
};
const began = performance.now();
await fill(members, read);
const filledMs = performance.now() - began;
const before = await serverTotals(admin);
const evictBegan = performance.now();
await cache.evictTags(['all']);
const evictMs = performance.now() - evictBegan;
const { commands } = await serverTotals(admin);
loads = 0;
await fill(members.slice(0, 1_000), read);
printTable(`A tag of ${MEMBERS.toLocaleString('en-US')} entries`, [
  {
    'filled per second': (MEMBERS / filledMs) * 1_000,
    'evicted in ms': evictMs,
    'commands, in functions too': commands - before.commands,
    'of 1,000 entries, loaded anew': loads,
  },
]);
admin.disconnect();
await engineOf(cache).close();
await server.stop();
process.exit(0);
