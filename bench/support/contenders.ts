import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { engineOf } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';

/** A cache with the settings that its documentation begins with. */
export interface Contender {
  readonly name: string;
  /** @param load what a miss costs */
  open(port: number, load: (key: string) => Promise<string>): Promise<OpenContender>;
}

export interface OpenContender {
  get(key: string): Promise<unknown>;
  /** How often a circuit opened since the start; null: not told. */
  opened(): number | null;
  close(): Promise<unknown>;
}

const ours = (name: string, l1: false | undefined): Contender => ({
  name,
  async open(port, load) {
    let opened = 0;
    const count = (line: string) => void (opened += /is silent/.test(line) ? 1 : 0);
    const options = resolveOptions({
      service: 'bench',
      redis: { host: '127.0.0.1', port },
      ...(l1 === false ? { l1 } : {}),
    });
    const cache = createCache(options, { logger: { log: count, warn: count, error: count, debug: count } });
    await engineOf(cache).open();
    const region = cache.region<string>('r');
    return {
      get: (key) => region.getOrLoad(key, () => load(key)),
      opened: () => opened,
      close: () => engineOf(cache).close(),
    };
  },
});

/** Of bench/peers, where they are installed: `npm install --no-package-lock --prefix bench/peers`. */
async function peers(): Promise<Contender[]> {
  const folder = join(process.cwd(), 'bench', 'peers');
  const from = createRequire(join(folder, 'package.json'));

  const module = async (name: string): Promise<any> => import(pathToFileURL(from.resolve(name)).href);
  try {
    const [
      { BentoCache, bentostore },
      { memoryDriver },
      { redisBusDriver, redisDriver },
      { Redis },
      { Cacheable },
      keyvRedis,
    ] = await Promise.all(
      [
        'bentocache',
        'bentocache/drivers/memory',
        'bentocache/drivers/redis',
        'ioredis',
        'cacheable',
        '@keyv/redis',
      ].map(module),
    );
    return [
      {
        name: 'bentocache, memory + redis + bus',
        async open(port, load) {
          const connection = new Redis(port, '127.0.0.1');
          connection.on('error', () => {});
          const store = bentostore()
            .useL1Layer(memoryDriver({ maxItems: 10_000 }))
            .useL2Layer(redisDriver({ connection }))
            .useBus(redisBusDriver({ connection: { host: '127.0.0.1', port } }));
          const cache = new BentoCache({ default: 'main', stores: { main: store }, ttl: '5m' });
          return {
            get: (key) => cache.getOrSet({ key, factory: () => load(key) }),
            opened: () => null,
            close: () => cache.disconnectAll(),
          };
        },
      },
      {
        name: 'cacheable, memory + redis',
        async open(port, load) {
          const secondary = keyvRedis.createKeyv(`redis://127.0.0.1:${port}`);
          secondary.on('error', () => {});
          const cache = new Cacheable({ secondary, ttl: '5m' });
          cache.on('error', () => {});
          return {
            get: (key) => cache.getOrSet(key, () => load(key)),
            opened: () => null,
            close: () => cache.disconnect(),
          };
        },
      },
    ];
  } catch (error) {
    console.log(
      `Peers are left out (${(error as Error).message.split('\n')[0]}): npm install --no-package-lock --prefix bench/peers`,
    );
    return [];
  }
}

export async function contenders(): Promise<Contender[]> {
  return [ours('ours, Redis only', false), ours('ours, two tiers', undefined), ...(await peers())];
}
