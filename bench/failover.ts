// What callers see while a master of Sentinel or Cluster dies, hangs or hands over under load, with default settings
// beside a bare client: npm run bench -- failover
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { engineOf } from '../lib/cache/redis-cache.js';
import { createCache } from '../lib/create-cache.js';
import { resolveOptions } from '../lib/options/resolve-options.js';
import type { RedisCacheOptions } from '../lib/options/redis-cache-options.js';
import { silentLogger } from '../lib/shared/logger.js';
import { startCluster } from '../test/support/servers/cluster.js';
import { startSentinelTrio } from '../test/support/servers/sentinel.js';
import { printTable } from './support/print-table.js';
import { storm } from './support/storm.js';

const WARM = Array.from({ length: 50 }, (_, n) => `warm-${n}`);
/** What a miss costs. */
const LOAD_MS = 2;
const OVER_MS = 12_000;
const PER_SECOND = 200;
/** The failover begins when the storm has been blowing for so long. */
const CALM_MS = 1_000;

interface Stage {
  readonly redis: NonNullable<RedisCacheOptions['redis']>;
  client(): Redis | Cluster;
  failover(): Promise<unknown>;
  stop(): Promise<void>;
}

interface Kind {
  readonly name: string;
  start(): Promise<Stage>;
}

const sentinel = (kind: 'graceful' | 'kill' | 'freeze'): Kind => ({
  name: `Sentinel, master ${{ graceful: 'hands over', kill: 'killed', freeze: 'hangs' }[kind]}`,
  async start() {
    const trio = await startSentinelTrio();
    const at = { sentinels: trio.addresses, name: trio.name };
    return {
      redis: at,
      client: () => new Redis(at),
      failover: () => trio.failover(kind),
      stop: () => trio.stop(),
    };
  },
});

const cluster = (kind: 'promote' | 'SIGKILL' | 'SIGSTOP'): Kind => ({
  name: `Cluster, one of 3 masters ${{ promote: 'hands over', SIGKILL: 'killed', SIGSTOP: 'hangs' }[kind]}`,
  async start() {
    const servers = await startCluster();
    const replica = () => servers.view().find(({ flags }) => flags.includes('slave'))!.port;
    return {
      redis: { nodes: servers.rootNodes },
      client: () => new Cluster(servers.rootNodes),
      failover: () =>
        kind === 'promote' ? servers.promote(replica()) : servers.failMaster(servers.masterPorts()[0]!, kind),
      stop: () => servers.stop(),
    };
  },
});

interface Caller {
  get(key: string): Promise<unknown>;
  close(): Promise<unknown>;
}

type Load = (key: string) => Promise<string>;

async function ours({ redis }: Stage, load: Load, l1: boolean): Promise<Caller> {
  const cache = createCache(resolveOptions({ service: `bench-${l1}`, redis, ...(l1 ? {} : { l1: false }) }), {
    logger: silentLogger,
  });
  await engineOf(cache).open();
  const region = cache.region<unknown>('r');
  return { get: (key) => region.getOrLoad(key, () => load(key)), close: () => engineOf(cache).close() };
}

/** A cache as it is often written: an error of Redis is a miss. */
async function bare(stage: Stage, load: Load): Promise<Caller> {
  const client = stage.client();
  client.on('error', () => {});
  return {
    async get(key) {
      const text = await client.get(`bare:${key}`).catch(() => null);
      if (text !== null) return JSON.parse(text) as unknown;
      const value = await load(key);
      await client.set(`bare:${key}`, JSON.stringify(value), 'PX', 300_000).catch(() => {});
      return value;
    },
    close: async () => client.disconnect(),
  };
}

const CALLERS: readonly [string, (stage: Stage, load: Load) => Promise<Caller>][] = [
  ['ours, Redis only', (stage, load) => ours(stage, load, false)],
  ['ours, two tiers', (stage, load) => ours(stage, load, true)],
  ['ioredis, GET + SET, errors are misses', bare],
];

let unhandled = 0;
process.on('unhandledRejection', () => (unhandled += 1));

async function suffer(kind: Kind, name: string, open: (typeof CALLERS)[number][1]) {
  const stage = await kind.start();
  const loads = new Map<string, number>();
  const load = async (key: string) => {
    loads.set(key, (loads.get(key) ?? 0) + 1);
    await sleep(LOAD_MS);
    return key;
  };
  const caller = await open(stage, load);
  try {
    for (const key of WARM) await caller.get(key);
    loads.clear();
    unhandled = 0;
    const storming = storm((key) => caller.get(key), {
      total: (OVER_MS / 1_000) * PER_SECOND,
      overMs: OVER_MS,
      limitMs: 10_000,
      warm: WARM,
      prefix: 'during',
    });
    await sleep(CALM_MS);
    const began = performance.now();
    await stage.failover();
    const tookMs = performance.now() - began;
    const seen = await storming;
    const repeated = [...loads].reduce((sum, [key, count]) => sum + count - (WARM.includes(key) ? 0 : 1), 0);
    return {
      caller: name,
      'failover took s': tookMs / 1_000,
      'of requests < 100 ms, %': seen.fast * 100,
      errors: seen.errors,
      never: seen.never,
      unhandled,
      'p99 ms': seen.p99,
      'longest ms': seen.longest,
      'loads beyond one per new key': repeated,
    };
  } finally {
    await Promise.race([caller.close().catch(() => {}), sleep(2_000)]);
    await stage.stop();
  }
}

const KINDS = [
  sentinel('graceful'),
  sentinel('kill'),
  sentinel('freeze'),
  cluster('promote'),
  cluster('SIGKILL'),
  cluster('SIGSTOP'),
];
for (const kind of KINDS) {
  const rows = [];
  for (const [name, open] of CALLERS) rows.push(await suffer(kind, name, open));
  printTable(`${kind.name}, ${PER_SECOND} requests/s for ${OVER_MS / 1_000} s, half of them for cached keys`, rows);
}
process.exit(0);
