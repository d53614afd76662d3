import 'reflect-metadata';
import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cacheable, CacheConfig, CacheEvict, RedisCache, RedisCacheModule } from '../../lib/index.js';

@Injectable()
@CacheConfig({ region: 'profile' })
class UsersService {
  loads = 0;
  @Cacheable({ key: (id: number) => id })
  async findOne(id: number) {
    return { id, loads: ++this.loads };
  }
  @Cacheable({ region: 'all' })
  async list(filter: { a: number }) {
    return [filter.a, ++this.loads];
  }
  @CacheEvict({ key: '{id}' })
  async remove(id: number) {
    void id;
  }
}

it('smoke', async () => {
  const ref = await Test.createTestingModule({
    imports: [RedisCacheModule.forRoot({ service: 'user' })],
    providers: [UsersService],
  }).compile();
  await ref.init();
  const users = ref.get(UsersService);
  expect(await users.findOne(1)).toEqual({ id: 1, loads: 1 });
  expect(await users.findOne(1)).toEqual({ id: 1, loads: 1 });
  await users.remove(1);
  expect(await users.findOne(1)).toEqual({ id: 1, loads: 2 });
  expect(await users.list({ a: 1 })).toEqual([1, 3]);
  expect(await users.list({ a: 1 })).toEqual([1, 3]);
  expect(ref.get(RedisCache).status()).toMatchObject({});
  await ref.close();
  expect(await new UsersService().findOne(2)).toEqual({ id: 2, loads: 1 });
});
