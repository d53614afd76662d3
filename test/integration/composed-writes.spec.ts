import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheEvict, CachePut, RedisCache, RedisCacheModule } from '../../lib/index.js';

/** A method that puts one entry, evicts another, and reads the other through the cache after its commit. */
@Injectable()
class Users {
  name = 'old';
  /** How the method reads: at once, or after the commit was waited for. */
  commit: () => Promise<void> | undefined = () => undefined;
  read: (id: number) => Promise<string> = (id) => this.find(id);

  constructor(private readonly cache: RedisCache) {}

  @Cacheable({ region: 'user', key: (id: number) => id, tags: (_name, id) => [`user:${id}`] })
  async find(id: number): Promise<string> {
    return id > 0 ? this.name : '';
  }

  @Cacheable({ region: 'card', key: (id: number) => id })
  async card(id: number): Promise<string> {
    return `card of ${await this.find(id)}`;
  }

  async peek(id: number): Promise<string> {
    return (await this.cache.region<string>('user').get(id)) ?? this.name;
  }

  @Cacheable({ region: 'profile', key: (id: number) => id })
  async profile(id: number): Promise<string> {
    return `profile of ${await this.find(id)}`;
  }

  @CachePut({ region: 'profile', key: (id: number) => id })
  @CacheEvict({ region: 'user', key: (id: number) => id })
  @CacheEvict({ region: 'card', key: (id: number) => id })
  async rename(id: number, name: string): Promise<string> {
    this.name = name;
    await this.commit();
    return `profile of ${await this.read(id)}`;
  }

  @CacheEvict({ tags: (_result: string, id: number) => [`user:${id}`] })
  @CachePut({ region: 'profile', key: (id: number) => id })
  async renameByTag(id: number, name: string): Promise<string> {
    this.name = name;
    await this.commit();
    return `profile of ${await this.read(id)}`;
  }
}

describe.each([
  ['by key', 'rename'],
  ['by tag', 'renameByTag'],
] as const)('a put beside an eviction %s', (_name, method) => {
  let app: TestingModule;
  let users: Users;
  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [RedisCacheModule.forRoot({ service: 'composed' })],
      providers: [Users],
    }).compile();
    await app.init();
    users = app.get(Users);
  });
  afterEach(() => app.close());

  describe.each([
    ['at once', () => undefined],
    ['after an await', () => Promise.resolve()],
  ])('read %s', (_moment, commit) => {
    beforeEach(() => void (users.commit = commit));

    it.each([
      ['the entry that is about to go', (id: number) => users.find(id)],
      ['what is made of it', (id: number) => users.card(id)],
      ['it by hand', (id: number) => users.peek(id)],
    ])('is not made of %s', async (_what, read) => {
      await Promise.all([users.find(1), users.card(1), users.profile(1)]);
      users.read = read;
      await users[method](1, 'new');
      expect(await users.profile(1)).toBe('profile of new');
    });

    it('is put when its method read nothing through the cache', async () => {
      users.read = async () => users.name;
      await users[method](1, 'new');
      users.name = 'never committed';
      expect(await users.profile(1)).toBe('profile of new');
    });

    it('is put when what its method read had to be loaded', async () => {
      users.read = (id) => users.find(id);
      await users[method](1, 'new');
      users.name = 'never committed';
      expect(await users.profile(1)).toBe('profile of new');
    });
  });
});
