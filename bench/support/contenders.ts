import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, HOUR_MS, type OpenContender, type Setting, type Tiers } from './contender.js';
import { FLOORS } from './floors.js';
import { OURS } from './ours.js';
import { peers } from './peers.js';

/** Floors first, then ours, then the peers that are installed. */
export async function contenders(...tiers: Tiers[]): Promise<Contender[]> {
  return [...FLOORS, ...OURS, ...(await peers())].filter((one) => tiers.includes(one.tiers));
}

/** A contender that takes part in a run. */
export interface Player extends Pick<Contender, 'name' | 'role' | 'tiers'> {
  readonly cache: OpenContender;
  /** Of the source, so far. */
  loads: number;
}

/** Opens them beside each other. @param bytes of a value, about @param loadMs what a load takes */
export async function open(
  list: readonly Contender[],
  {
    url,
    maxEntries,
    bytes = 200,
    loadMs = 0,
  }: Pick<Setting, 'url' | 'maxEntries'> & { bytes?: number; loadMs?: number },
): Promise<Player[]> {
  const players: Player[] = [];
  for (const { name, role, tiers, open: openOne } of list) {
    const load = async (key: string) => {
      player.loads += 1;
      if (loadMs > 0) await sleep(loadMs);
      return valueOf(key, bytes);
    };
    const cache = await openOne({ url, load, ttlMs: HOUR_MS, ...(maxEntries === undefined ? {} : { maxEntries }) });
    const player = { name, role, tiers, cache, loads: 0 };
    players.push(player);
  }
  return players;
}

/** Large ones are lists of rows, as most are: a parser has much more to do for them than for one long text. */
function valueOf(key: string, bytes: number): object {
  const value = { id: key, name: `user ${key}` };
  if (bytes < 1_000) return { ...value, text: 'x'.repeat(Math.max(0, bytes - 60)) };
  const rows = Array.from({ length: Math.round(bytes / 92) }, (_, n) => ({
    sku: `SKU-${1_000 + n}`,
    name: `line item ${n}, of some length`,
    quantity: n % 7,
    price: 19.99 + n,
  }));
  return { ...value, rows };
}

export async function close(players: readonly Player[]): Promise<void> {
  await Promise.all(players.map(({ cache }) => Promise.race([cache.close().catch(() => {}), sleep(2_000)])));
}

/** Reads all of them once, 64 at a time. @throws Error a cache answers something else than the value of the key */
export async function fill(keys: readonly string[], read: (key: string) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < keys.length) {
      const key = keys[next++]!;
      const value = (await read(key)) as { id?: string } | undefined;
      if (value?.id !== key) throw new Error(`${JSON.stringify(value)} was answered for ${key}`);
    }
  };
  await Promise.all(Array.from({ length: 64 }, lane));
}

export const keysOf = (prefix: string, count: number) => Array.from({ length: count }, (_, id) => `${prefix}-${id}`);
