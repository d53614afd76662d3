import { Injectable } from '@nestjs/common';
import { CacheEvict, CachePut } from '../../lib/index.js';
import type { Commit, EvictionOrder } from './cache-under-test.js';
import { resultOptions } from './cached-service.js';
import { REGIONS } from './regions.js';
import type { Row } from './source-of-truth.js';

const key = (number: number) => number;
const part = REGIONS.find(({ name }) => name === 'part')!;

/** Writes that evict a value and what is made of it in one call. */
@Injectable()
export class ComposedService implements Record<EvictionOrder, (number: number, commit: Commit) => Promise<Row>> {
  @CacheEvict({ region: 'part', key })
  @CacheEvict({ region: 'composed', key })
  @CacheEvict({ region: 'composedLocal', key })
  async innerFirst(_number: number, commit: Commit): Promise<Row> {
    return commit();
  }

  @CacheEvict({ region: 'composedLocal', key })
  @CacheEvict({ region: 'composed', key })
  @CacheEvict({ region: 'part', key })
  async outerFirst(_number: number, commit: Commit): Promise<Row> {
    return commit();
  }

  @CacheEvict({ region: 'composed', key })
  @CachePut({ region: 'part', key, ...resultOptions(part) })
  @CacheEvict({ region: 'composedLocal', key })
  async putInner(_number: number, commit: Commit): Promise<Row> {
    return commit();
  }
}
