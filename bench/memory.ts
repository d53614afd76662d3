// How many bytes does an entry of 200 B take in L1 and in Redis, and what becomes of both, and of the speed, from 1,000
// to 1,000,000 keys?
// npm run bench -- memory          (REDIS_URL, else redis-server on PATH: it is flushed)
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { close, contenders, fill, keysOf, open } from './support/contenders.js';
import { ROUNDS } from './support/measure.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';
import { serverTotals } from './support/server-cost.js';

const SIZES = ROUNDS > 1 ? [1_000, 10_000, 100_000, 1_000_000] : [1_000, 10_000];
/** Peers have this size alone. */
const PEER_SIZE = SIZES.at(-2)!;
const HITS = 200_000;

type Row = Record<string, number>;
const list = await contenders('l2', 'l1+l2');
const [, , child, size, url] = process.argv;
if (child) console.log(JSON.stringify(await measureOne(Number(child), Number(size), url!)));
else await compare();

/** In a process of its own, whose heap holds nothing else. */
async function measureOne(contender: number, entries: number, redis: string): Promise<Row> {
  const admin = new Redis(redis);
  const [player] = await open([list[contender]!], { url: redis, maxEntries: entries });
  const { cache } = player!;
  await fill(keysOf('warm', 500), cache.get);
  const keys = keysOf('memory', entries);
  const far = await serverTotals(admin);
  const near = heapBytes();
  const began = performance.now();
  await fill(keys, cache.get);
  const fillMs = performance.now() - began;
  const nearBytes = heapBytes() - near;
  const farBytes = (await serverTotals(admin)).bytes - far.bytes;
  const { loads } = player!;
  const cpu = process.cpuUsage();
  if (list[contender]!.tiers === 'l1+l2') {
    for (let n = 0; n < HITS; n++) {
      await cache.get(keys[(n * 7_919) % entries]!);
      if (n % 5_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  admin.disconnect();
  const row = {
    'heap B/entry': Math.round(nearBytes / entries),
    'Redis B/entry': Math.round(farBytes / entries),
    'fills/s': Math.round((entries / fillMs) * 1_000),
    'CPU ns/hit': Math.round(((user + system) * 1_000) / HITS),
    'hits that loaded': player!.loads - loads,
  };
  await close([player!]);
  return row;
}

function heapBytes(): number {
  for (let n = 0; n < 3; n++) globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function compare(): Promise<void> {
  const server = await redisServer();
  const admin = new Redis(server.url);
  const rows = [];
  for (const [n, { name, role, tiers }] of list.entries()) {
    const isGrown = role !== 'peer' && tiers === 'l1+l2';
    for (const entries of isGrown ? SIZES : [PEER_SIZE]) {
      const flags = ['--expose-gc', '--max-old-space-size=6000'];
      const args = [fileURLToPath(import.meta.url), `${n}`, `${entries}`, server.url];
      await admin.flushall();
      const said = execFileSync(process.execPath, [...flags, ...args], { encoding: 'utf8' });
      const row = JSON.parse(said.trim().split('\n').at(-1)!) as Row;
      if (tiers === 'l2') row['CPU ns/hit'] = NaN;
      rows.push({ contender: name, entries, ...row });
    }
  }
  printTable('Bytes per entry of 200 B, and growth; hits are from L1', rows);
  admin.disconnect();
  await server.stop();
  process.exit(0);
}
