import { Injectable, type Type } from '@nestjs/common';
import { Cacheable, CacheConfig, CacheEvict, CachePut } from '../../lib/index.js';
import type { Commit, LoadRow } from './cache-under-test.js';
import { type RegionUnderTest, tagName, tagOf } from './regions.js';
import type { Row } from './source-of-truth.js';

/** What an application would write for one region. */
export interface CachedService {
  find(key: number): Promise<Row>;
  change(key: number, commit: Commit): Promise<Row>;
  changeStrictly(key: number, commit: Commit): Promise<Row>;
  changeAndPut(key: number, commit: Commit): Promise<Row>;
  changeTagged(tag: number, commit: Commit): Promise<Row>;
  changeAndClear(commit: Commit): Promise<Row>;
}

/** How results of the region are kept; for decorators and for RedisCache alike. */
export function resultOptions({ hasTags, isVersioned }: RegionUnderTest): {
  tags?: (row: Row) => string[];
  version?: (row: Row) => number;
} {
  return {
    ...(hasTags ? { tags: (row: Row) => [tagName(tagOf(row.r, row.k))] } : {}),
    ...(isVersioned ? { version: (row: Row) => row.v } : {}),
  };
}

/** A class per region, since decorators are read when a class is. */
export function cachedServiceOf(region: RegionUnderTest, index: number, load: LoadRow): Type<CachedService> {
  const key = (number: number) => number;
  const kept = resultOptions(region);

  @Injectable()
  @CacheConfig({ region: region.name })
  class Service implements CachedService {
    @Cacheable({ key, ...kept })
    async find(number: number): Promise<Row> {
      return load(index, number);
    }

    @CacheEvict({ key })
    async change(_number: number, commit: Commit): Promise<Row> {
      return commit();
    }

    @CacheEvict({ key, strict: true })
    async changeStrictly(_number: number, commit: Commit): Promise<Row> {
      return commit();
    }

    @CachePut({ key, ...kept })
    async changeAndPut(_number: number, commit: Commit): Promise<Row> {
      return commit();
    }

    @CacheEvict({ tags: (_row: Row, tag: number) => [tagName(tag)] })
    async changeTagged(_tag: number, commit: Commit): Promise<Row> {
      return commit();
    }

    @CacheEvict({ allEntries: true })
    async changeAndClear(commit: Commit): Promise<Row> {
      return commit();
    }
  }
  return Service;
}
