import { type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisCache, RedisCacheModule, type RedisCacheOptions } from '../../lib/index.js';
import type { CacheUnderTest, Commit, EvictionOrder, LoadRow } from './cache-under-test.js';
import { type CachedService, cachedServiceOf, resultOptions } from './cached-service.js';
import { ComposedService } from './composed-service.js';
import { REGIONS, tagName } from './regions.js';
import type { Row } from './source-of-truth.js';

/** The module in a Nest application of its own, by its public API alone. */
export class ModuleCache implements CacheUnderTest {
  private application!: INestApplicationContext;
  private cache!: RedisCache;
  private services!: CachedService[];

  constructor(
    private readonly options: RedisCacheOptions,
    private readonly load: LoadRow,
  ) {}

  async open(): Promise<void> {
    const classes: Type<CachedService>[] = REGIONS.map((region, index) => cachedServiceOf(region, index, this.load));
    const cacheModule = RedisCacheModule.forRoot({ ...this.options, onEvictFailure: 'throw' });

    @Module({ imports: [cacheModule], providers: [...classes, ComposedService] })
    class HistoryModule {}

    this.application = await NestFactory.createApplicationContext(HistoryModule, { logger: ['error', 'fatal'] });
    this.cache = this.application.get(RedisCache);
    this.services = classes.map((each) => this.application.get(each));
  }

  find(region: number, key: number): Promise<Row> {
    return this.services[region]!.find(key);
  }

  getOrLoad(region: number, key: number): Promise<Row> {
    // without a version, so that a region has entries of both kinds
    const { tags } = resultOptions(REGIONS[region]!);
    return this.region(region).getOrLoad(key, () => this.load(region, key), tags && { tags });
  }

  peek(region: number, key: number): Promise<Row | undefined> {
    return this.region(region).get(key);
  }

  change(region: number, key: number, commit: Commit): Promise<Row> {
    return this.services[region]!.change(key, commit);
  }

  changeStrictly(region: number, key: number, commit: Commit): Promise<Row> {
    return this.services[region]!.changeStrictly(key, commit);
  }

  changeAndPut(region: number, key: number, commit: Commit): Promise<Row> {
    return this.services[region]!.changeAndPut(key, commit);
  }

  write(region: number, key: number, commit: Commit): Promise<Row> {
    const { tags } = resultOptions(REGIONS[region]!);
    return this.region(region).write(key, commit, tags ? { tags } : undefined);
  }

  changeTagged(region: number, tag: number, commit: Commit): Promise<Row> {
    return this.services[region]!.changeTagged(tag, commit);
  }

  changeAndClear(region: number, commit: Commit): Promise<Row> {
    return this.services[region]!.changeAndClear(commit);
  }

  changeTogether(_region: number, key: number, way: EvictionOrder, commit: Commit): Promise<Row> {
    return this.application.get(ComposedService)[way](key, commit);
  }

  evict(region: number, key: number): Promise<void> {
    return this.region(region).evict(key);
  }

  evictVersion(region: number, key: number, version: number): Promise<void> {
    return this.region(region).evict(key, { version });
  }

  putVersion(region: number, row: Row): Promise<void> {
    return this.region(region).put(row.k, row, { version: row.v });
  }

  evictTag(_region: number, tag: number): Promise<void> {
    return this.cache.evictTags([tagName(tag)]);
  }

  clearRegion(region: number): Promise<void> {
    return this.region(region).clear();
  }

  clearAll(): Promise<void> {
    return this.cache.clear();
  }

  status(): { readsInFlight: number; pendingEvictions: number } {
    const { readsInFlight, pendingEvictions } = this.cache.status();
    return { readsInFlight, pendingEvictions };
  }

  fencesFailed(region: number): number {
    return this.cache.status().regions[REGIONS[region]!.name]?.fencesFailed ?? 0;
  }

  async close(): Promise<void> {
    await this.application.close();
  }

  private region(index: number) {
    return this.cache.region<Row>(REGIONS[index]!.name);
  }
}
