import { Redis } from 'ioredis';
import type { CacheUnderTest, Commit, EvictionOrder, LoadRow } from './cache-under-test.js';
import { madeOf, REGIONS, tagOf } from './regions.js';
import type { Row } from './source-of-truth.js';

/**
 * The cache that everyone writes first: GET, load, SET; DEL and a message on eviction; a Map in the process. It is here
 * to show that the checker sees what is wrong with it.
 */
export class NaiveCache implements CacheUnderTest {
  private readonly client: Redis;
  private readonly subscriber: Redis;
  private readonly memory = new Map<string, Row>();
  private readonly loads = new Map<string, Promise<Row>>();

  constructor(
    port: number,
    private readonly keyCount: number,
    private readonly load: LoadRow,
  ) {
    this.client = new Redis(port, '127.0.0.1', { lazyConnect: true });
    this.subscriber = new Redis(port, '127.0.0.1', { lazyConnect: true });
  }

  async open(): Promise<void> {
    await Promise.all([this.client.connect(), this.subscriber.connect()]);
    this.subscriber.on('message', (_channel, entry: string) => this.memory.delete(entry));
    await this.subscriber.subscribe('evicted');
  }

  find(region: number, key: number): Promise<Row> {
    return this.getOrLoad(region, key);
  }

  async getOrLoad(region: number, key: number): Promise<Row> {
    const found = await this.peek(region, key);
    if (found !== undefined) return found;
    const entry = entryOf(region, key);
    let load = this.loads.get(entry);
    if (load === undefined) {
      load = this.loadAndSet(region, key).finally(() => this.loads.delete(entry));
      this.loads.set(entry, load);
    }
    return load;
  }

  async peek(region: number, key: number): Promise<Row | undefined> {
    const entry = entryOf(region, key);
    const local = this.memory.get(entry);
    if (local !== undefined) return local;
    const text = await this.client.get(entry);
    if (text === null) return undefined;
    const row = JSON.parse(text) as Row;
    if (REGIONS[region]!.hasL1) this.memory.set(entry, row);
    return row;
  }

  async change(region: number, key: number, commit: Commit): Promise<Row> {
    const row = await commit();
    await this.evict(region, key);
    return row;
  }

  changeStrictly(region: number, key: number, commit: Commit): Promise<Row> {
    return this.change(region, key, commit);
  }

  async changeAndPut(region: number, _key: number, commit: Commit): Promise<Row> {
    const row = await commit();
    await this.putVersion(region, row);
    return row;
  }

  write(region: number, key: number, commit: Commit): Promise<Row> {
    return this.changeAndPut(region, key, commit);
  }

  async changeTagged(region: number, tag: number, commit: Commit): Promise<Row> {
    const row = await commit();
    await this.evictTag(region, tag);
    return row;
  }

  async changeAndClear(region: number, commit: Commit): Promise<Row> {
    const row = await commit();
    await this.clearRegion(region);
    return row;
  }

  async changeTogether(region: number, key: number, way: EvictionOrder, commit: Commit): Promise<Row> {
    const row = await commit();
    const regions = [region, ...madeOf(region)];
    for (const each of way === 'innerFirst' ? regions : regions.reverse()) await this.evict(each, key);
    return row;
  }

  async evict(region: number, key: number): Promise<void> {
    const entry = entryOf(region, key);
    await this.client.del(entry);
    this.memory.delete(entry);
    await this.client.publish('evicted', entry);
  }

  evictVersion(region: number, key: number): Promise<void> {
    return this.evict(region, key);
  }

  async putVersion(region: number, row: Row): Promise<void> {
    const entry = entryOf(region, row.k);
    await this.client.set(entry, JSON.stringify(row), 'PX', 120_000);
    this.memory.delete(entry);
    await this.client.publish('evicted', entry);
  }

  async evictTag(region: number, tag: number): Promise<void> {
    await this.evictAll(region, (number) => tagOf(region, number) === tag);
  }

  async clearRegion(region: number): Promise<void> {
    await this.evictAll(region, () => true);
  }

  async clearAll(): Promise<void> {
    await Promise.all(REGIONS.map((_, region) => this.clearRegion(region)));
  }

  fencesFailed(): number {
    return 0;
  }

  status(): { readsInFlight: number; pendingEvictions: number } {
    return { readsInFlight: this.loads.size, pendingEvictions: 0 };
  }

  async close(): Promise<void> {
    this.client.disconnect();
    this.subscriber.disconnect();
  }

  private async loadAndSet(region: number, key: number): Promise<Row> {
    const row = await this.load(region, key);
    await this.client.set(entryOf(region, key), JSON.stringify(row), 'PX', 120_000);
    return row;
  }

  private async evictAll(region: number, isMeant: (key: number) => boolean): Promise<void> {
    const keys = Array.from({ length: this.keyCount }, (_, key) => key).filter(isMeant);
    await Promise.all(keys.map((key) => this.evict(region, key)));
  }
}

const entryOf = (region: number, key: number): string => `naive:${region}:${key}`;
