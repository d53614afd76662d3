// What does it cost that values made of other cached values are safe (decision 0032)? L1 hit, L2 hit, miss and a miss
// that reads another entry, with the rule and on a copy of the build without it, by CPU time; rounds of processes that
// take turns.
// npm run bench -- composition          (REDIS_URL, else redis-server on PATH)
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { engineOf } from '../lib/cache/redis-cache.js';
import { createCache } from '../lib/create-cache.js';
import { resolveOptions } from '../lib/options/resolve-options.js';
import { silentLogger } from '../lib/shared/logger.js';
import { redisServer } from './support/redis-server.js';

const ROUNDS = 7;
const KEYS = 1_000;
/** Reads at once, of what goes to Redis. */
const WIDTH = 64;

const BUILD = fileURLToPath(new URL('..', import.meta.url));
const WITHOUT = `${BUILD.replace(/\/$/, '')}-without`;

/** No load is known as such, L1 is never held back. */
const NO_SCOPES = `export class LoadScopes {
  mustAdmit = false;
  moment = 0;
  current() {}
  track() {}
  opened() {}
  closed() {}
  admitOnly() {}
  admits() { return true; }
  run(scope, make) { return make(); }
  ended() {}
  taint() {}
}
export const processScopes = new LoadScopes();
`;

type Figures = Record<string, number>;

const [, , child, url] = process.argv;
if (child === undefined) await compare();
else console.log(JSON.stringify(await measureAll(url!, child === 'two')));

async function compare(): Promise<void> {
  rmSync(WITHOUT, { recursive: true, force: true });
  cpSync(BUILD, WITHOUT, { recursive: true });
  writeFileSync(`${WITHOUT}/lib/cache/load-scopes.js`, NO_SCOPES);
  const view = `${WITHOUT}/lib/cache/bucket-view.js`;
  const gated = readFileSync(view, 'utf8');
  const open = gated.replace('get isHeldBack() {', 'get isHeldBack() { return false;');
  if (open === gated) throw new Error('bucket-view.js has no gate to be taken out');
  writeFileSync(view, open);
  const server = await redisServer();
  for (const caches of ['one', 'two']) {
    const builds = [BUILD, WITHOUT].map((build) => `${build}/bench/composition.js`);
    const rounds: [Figures, Figures][] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      const figures: Figures[] = [];
      for (const n of order) {
        const said = execFileSync(process.execPath, [builds[n]!, caches, server.url], { encoding: 'utf8' });
        figures[n] = JSON.parse(said) as Figures;
      }
      rounds.push([figures[0]!, figures[1]!]);
    }
    report(caches, rounds);
  }
  await server.stop();
  rmSync(WITHOUT, { recursive: true, force: true });
}

function report(caches: string, rounds: readonly [Figures, Figures][]): void {
  console.log(
    `\n${process.version}, ${caches === 'one' ? 'one cache, one bucket' : 'two caches: loads are tracked'}; ns of CPU per call, median of ${ROUNDS}`,
  );
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  for (const name of Object.keys(rounds[0]![0])) {
    const [withRule, without] = [0, 1].map((n) => middle(rounds.map((round) => round[n as 0 | 1][name]!)));
    const ratios = rounds.map(([a, b]) => a[name]! / b[name]!).sort((a, b) => a - b);
    console.log(
      `${name.padEnd(34)} with ${withRule!.toFixed(0).padStart(7)}   without ${without!.toFixed(0).padStart(7)}   ` +
        `x ${middle([...ratios]).toFixed(2)} (${ratios[0]!.toFixed(2)} to ${ratios.at(-1)!.toFixed(2)})`,
    );
  }
}

/** In a process of its own, on the build that this file is part of. */
async function measureAll(redis: string, hasTwo: boolean): Promise<Figures> {
  const open = async (service: string) => {
    const regions = { far: { l1: false as const }, made: { l1: false as const } };
    const options = resolveOptions({ service, redis: { url: redis }, ttl: '1h', regions });
    const cache = createCache(options, { logger: silentLogger });
    await engineOf(cache).open();
    return cache;
  };
  const cache = await open('bench');
  const other = hasTwo ? await open('other') : null;
  const near = cache.region<object>('near');
  const far = cache.region<object>('far');
  const made = cache.region<object>('made');
  const row = (id: number) => ({ id, name: `user ${id}` });
  for (let id = 0; id < KEYS; id++) {
    await near.getOrLoad(id, async () => row(id));
    await far.getOrLoad(id, async () => row(id));
  }
  const miss = async () => {
    throw new Error('a hit was measured');
  };
  let fresh = Math.floor(Math.random() * 1e9) * 1_000;
  const wide = (read: (id: number) => Promise<unknown>) => async (count: number) => {
    for (let n = 0; n < count; n += WIDTH) await Promise.all(Array.from({ length: WIDTH }, (_, i) => read(n + i)));
  };
  const candidates: Record<string, [count: number, run: (count: number) => Promise<unknown>]> = {
    'L1 hit': [
      400_000,
      async (count) => {
        for (let n = 0; n < count; n++) await near.getOrLoad(n % KEYS, miss);
      },
    ],
    'L2 hit': [40_000, wide((n) => far.getOrLoad(n % KEYS, miss))],
    miss: [12_000, wide(() => made.getOrLoad((fresh += 1), async () => row(1)))],
    'miss that reads another from L1': [
      12_000,
      wide((n) => made.getOrLoad((fresh += 1), async () => near.getOrLoad(n % KEYS, async () => row(n)))),
    ],
  };
  const figures: Figures = {};
  for (const [name, [count, run]] of Object.entries(candidates)) {
    await run(Math.ceil(count / 4));
    const { user: before } = process.cpuUsage();
    await run(count);
    figures[name] = ((process.cpuUsage().user - before) * 1_000) / count;
  }
  await engineOf(cache).close();
  if (other) await engineOf(other).close();
  return figures;
}
