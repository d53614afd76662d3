import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { Cacheable, CacheConfig, CacheEvict, CachePut, InjectCache, RedisCache } from 'nestjs-redis-cache';
import type { User, UserInput, UserPage, UserQuery, UserSummary } from './user.js';
import { UsersRepository } from './users.repository.js';

/** On every page of users, so that one eviction drops them all. */
export const PAGES_TAG = 'user-pages';

/** On everything that shows the name of an organisation. */
export const orgTag = (orgId: number): string => `org:${orgId}`;

/** What is cached, under which key, and what ends it. The methods read as if there were no cache. */
@Injectable()
@CacheConfig({ region: 'profile' })
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    @InjectCache() private readonly cache: RedisCache,
  ) {}

  /** Redis key `users:profile:42:json`. That there is no such user is cached too, for the region's `negativeTtl`. */
  @Cacheable({
    key: (id: number) => id,
    tags: (user: User | null) => (user ? [orgTag(user.organisation.id)] : []),
  })
  findOne(id: number): Promise<User | null> {
    return this.users.find(id);
  }

  /** Takes tens of milliseconds in the database: this is what the cache is for. */
  @Cacheable({
    region: 'summary',
    key: (id: number) => id,
    tags: (summary: UserSummary | null) => (summary ? [orgTag(summary.organisation.id)] : []),
  })
  summary(id: number): Promise<UserSummary | null> {
    return this.users.summarize(id);
  }

  /** Without `key`, the key is made of all arguments: each page, filter and search text is an entry of its own. */
  @Cacheable({ region: 'pages', tags: [PAGES_TAG] })
  findPage(query: UserQuery): Promise<UserPage> {
    return this.users.findPage(query);
  }

  @CacheEvict({ tags: [PAGES_TAG] })
  async create(input: UserInput): Promise<User> {
    const user = await this.users.insert(input);
    // Somebody may have asked for this id before it was given out, and that 404 is cached. No decorator can name
    // the key, since only the insert knows the id.
    await Promise.all([
      this.cache.region<User | null>('profile').evict(user.id),
      this.cache.region<UserSummary | null>('summary').evict(user.id),
    ]);
    return user;
  }

  /**
   * Write-through: the row, then its entry. The put is fenced: the entry is gone before the update begins, and no load
   * may fill it until the update has ended. A versioned put (`version: (user) => user.version`) would save a round
   * trip, but it is for entries without tags: the row's version says nothing about the organisation, which may be
   * renamed at the same time.
   *
   * @param version the version that the client has edited; null: whatever stands
   * @throws NotFoundException, ConflictException
   */
  @CachePut({
    key: (id: number) => id,
    tags: (user: User) => [orgTag(user.organisation.id)],
  })
  @CacheEvict({ region: 'summary', key: (id: number) => id })
  @CacheEvict({ tags: [PAGES_TAG] })
  async update(id: number, input: UserInput, version: number | null = null): Promise<User> {
    const user = await this.users.update(id, input, version);
    if (user) return user;
    // asks the database: the cache's answer may be a second old
    if (await this.users.find(id)) throw new ConflictException(`user ${id} is not at version ${version} any more`);
    throw new NotFoundException(`there is no user ${id}`);
  }

  /**
   * `strict` fences the entry for the time of the delete: should this process die right after it, the deleted user is
   * not served from the cache until the ttl.
   *
   * @throws NotFoundException
   */
  @CacheEvict({ key: (id: number) => id, strict: true })
  @CacheEvict({ region: 'summary', key: (id: number) => id })
  @CacheEvict({ tags: [PAGES_TAG] })
  async remove(id: number): Promise<void> {
    if (!(await this.users.delete(id))) throw new NotFoundException(`there is no user ${id}`);
  }
}
