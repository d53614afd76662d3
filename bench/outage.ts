// What callers see while Redis is away, with default settings, beside peers: npm run bench -- outage
// OUTAGE_MINUTES=10 lets the long outage and the watch for false openings last ten minutes instead of one;
// OUTAGE_ONLY=hung,away runs some. What lasts half a minute and more is suffered side by side, by each contender in a
// process of its own (OUTAGE_CONTENDER names it), since what one piles up would hold up the others.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Proxy, startProxy } from '../test/support/servers/proxy.js';
import { type RedisServer, startRedis } from '../test/support/servers/redis.js';
import type { Contender, OpenContender } from './support/contender.js';
import { contenders } from './support/contenders.js';
import { printTable } from './support/print-table.js';
import { EARLY_MS, type Storm, storm } from './support/storm.js';

const MINUTES = Number(process.env['OUTAGE_MINUTES'] ?? 1);
const only = process.env['OUTAGE_ONLY']?.split(',');
const alone = process.env['OUTAGE_CONTENDER'];
const run = promisify(execFile);
const WARM = Array.from({ length: 50 }, (_, n) => `warm-${n}`);
/** What a miss costs. */
const LOAD_MS = 2;
const BACK_WITHIN_MS = 20_000;

interface Stage {
  server: RedisServer;
  readonly proxy: Proxy;
}

interface Outage {
  readonly name: string;
  readonly lastsMs: number;
  begin(stage: Stage): unknown;
  end(stage: Stage): unknown;
}

const OUTAGES: readonly Outage[] = [
  { name: 'hung', lastsMs: 3_000, begin: ({ server }) => server.freeze(), end: ({ server }) => server.thaw() },
  {
    name: 'killed',
    lastsMs: 3_000,
    begin: ({ server }) => server.stop('SIGKILL'),
    end: async (stage) => void (stage.server = await stage.server.restart()),
  },
  {
    name: 'swallowed',
    lastsMs: 30_000,
    begin: ({ proxy }) => proxy.set({ mode: 'blackhole' }),
    end: ({ proxy }) => proxy.heal(),
  },
  {
    name: 'slow',
    lastsMs: 60_000,
    // each way
    begin: ({ proxy }) => proxy.set({ delayMs: 100 }),
    end: ({ proxy }) => proxy.heal(),
  },
  {
    name: 'away',
    lastsMs: MINUTES * 60_000,
    begin: ({ server }) => server.stop('SIGKILL'),
    end: async (stage) => void (stage.server = await stage.server.restart()),
  },
];

let unhandled = 0;
process.on('unhandledRejection', () => (unhandled += 1));
process.on('uncaughtException', () => (unhandled += 1));

async function staged<T>(
  contender: Contender,
  work: (open: OpenContender, stage: Stage, loads: Map<string, number>) => Promise<T>,
): Promise<T> {
  const server = await startRedis();
  const stage: Stage = { server, proxy: await startProxy(server.port) };
  const loads = new Map<string, number>();
  const load = async (key: string) => {
    loads.set(key, (loads.get(key) ?? 0) + 1);
    await sleep(LOAD_MS);
    return key;
  };
  const open = await contender.open({ url: `redis://127.0.0.1:${stage.proxy.port}`, load });
  try {
    for (const key of WARM) await open.get(key);
    await storm(open.get, { total: 200, overMs: 400, limitMs: 1_000, warm: WARM, prefix: 'before' });
    return await work(open, stage, loads);
  } finally {
    stage.server.thaw();
    await Promise.race([open.close().catch(() => {}), sleep(2_000)]);
    await stage.proxy.stop();
    await stage.server.remove();
  }
}

/**
 * How long after the end a key that was not asked for before is a hit, ms: where it is loaded once, and then is in
 * Redis.
 */
async function recovery({ server }: Stage, open: OpenContender): Promise<number> {
  const from = performance.now();
  const { Redis } = await import('ioredis');
  const admin = new Redis(server.port);
  admin.on('error', () => {});
  try {
    for (let n = 0; performance.now() - from < BACK_WITHIN_MS; n++) {
      void open.get(`back-${n}`).catch(() => {});
      await sleep(20);
      if ((await admin.keys('*back-*')).some((key) => !key.endsWith('~'))) return performance.now() - from;
    }
    return Infinity;
  } finally {
    admin.disconnect();
  }
}

async function suffer(contender: Contender, { lastsMs, begin, end }: Outage) {
  return staged(contender, async (open, stage) => {
    // a process that has just started answers slowly, and is given more time for it
    const before = await storm(open.get, {
      total: 2_500,
      overMs: 5_000,
      limitMs: 2_000,
      warm: WARM,
      prefix: 'healthy',
    });
    unhandled = 0;
    await begin(stage);
    const rssBefore = process.memoryUsage.rss();
    const overMs = Math.max(2_000, lastsMs - 1_000);
    const storming = storm(open.get, {
      total: Math.max(1_000, Math.round(overMs / 5)),
      overMs,
      limitMs: 6_000,
      warm: WARM,
      prefix: 'during',
    });
    await sleep(lastsMs);
    await end(stage);
    const back = await recovery(stage, open);
    const seen = await storming;
    return { before, seen, back, unhandled, grownMiB: (process.memoryUsage.rss() - rssBefore) / 1024 ** 2 };
  });
}

type Row = Readonly<Record<string, string | number>>;

function row(name: string, seen: Storm, before: Storm, back: number, uncaught: number, grownMiB: number): Row {
  return {
    contender: name,
    '< 100 ms, %': seen.fast * 100,
    'of cached, %': seen.fastWarm * 100,
    errors: seen.errors,
    never: seen.never,
    uncaught,
    'p50 ms': seen.p50,
    'p99 ms': seen.p99,
    [`p99, first ${EARLY_MS / 1_000} s`]: seen.p99Early,
    'p99, later': seen.p99Late,
    'p99, healthy': before.p99,
    'longest ms': seen.longest,
    'back after ms': back,
    'RSS + MiB': grownMiB,
  };
}

/**
 * Whether a circuit opens although Redis is well: garbage, and a loop blocked for 100 ms several times a second.
 */
async function falseOpenings(contender: Contender): Promise<Row> {
  return staged(contender, async (open) => {
    const end = performance.now() + MINUTES * 60_000;
    const before = open.opened!();
    let blocks = 0;
    const kept: object[][] = [];
    while (performance.now() < end) {
      const calls = WARM.map((key, n) => open.get(n % 2 ? key : `${key}-${blocks}`));
      kept.push(Array.from({ length: 20_000 }, (_, n) => ({ n, text: String(n) })));
      if (kept.length > 20) kept.length = 0;
      const until = performance.now() + 100;
      while (performance.now() < until);
      blocks += 1;
      await Promise.all(calls);
      await sleep(150);
    }
    return { contender: contender.name, blocks, 'circuits opened': open.opened!() - before };
  });
}

const ours = (await contenders('l2', 'l1+l2')).filter(({ role }) => role === 'ours');
const peers = (await contenders('l1+l2')).filter(({ role }) => role === 'peer');
const all = [...ours, ...peers];
const sufferOne = async (contender: Contender, outage: Outage): Promise<Row> => {
  const { before, seen, back, unhandled: uncaught, grownMiB } = await suffer(contender, outage);
  return row(contender.name, seen, before, back, uncaught, grownMiB);
};
const sufferApart = async ({ name }: Contender, outage: Outage): Promise<Row> => {
  const env = { ...process.env, OUTAGE_ONLY: outage.name, OUTAGE_CONTENDER: name };
  const { stdout } = await run(process.execPath, [fileURLToPath(import.meta.url)], { env });
  // never is no number of JSON
  return JSON.parse(stdout.trim().split('\n').at(-1)!, (_, value: unknown) => value ?? Infinity) as Row;
};
const outages = OUTAGES.filter(({ name }) => only?.includes(name) ?? true);
if (alone !== undefined) {
  console.log(
    JSON.stringify(
      await sufferOne(
        all.find(({ name }) => name === alone)!,
        outages[0]!,
      ),
    ),
  );
  process.exit(0);
}
for (const outage of outages) {
  const isLong = outage.lastsMs >= 30_000;
  const rows: Row[] = isLong ? await Promise.all(all.map((contender) => sufferApart(contender, outage))) : [];
  if (!isLong) for (const contender of all) rows.push(await sufferOne(contender, outage));
  const title = `${outage.name}, ${outage.lastsMs / 1_000} s${isLong ? ', side by side' : ''}`;
  printTable(title, rows);
}
if (only?.includes('false-openings') ?? true) {
  // in one process: the blocks of one follow those of the other
  const rows = await Promise.all(ours.map(falseOpenings));
  printTable(`false openings in ${MINUTES} min of garbage and of blocks of 100 ms and more`, rows);
}
process.exit(0);
