import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RedisCache } from '../../../lib/cache/redis-cache.js';
import { LoadScopes } from '../../../lib/cache/load-scopes.js';
import { StoreRefusal } from '../../../lib/stores/remote-store.js';
import { CODECS, type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

/**
 * A value made of another (R18). `profile` is loaded from `user`, through the cache, and `user` from the source. Two
 * instances; what `a` evicts reaches `b` by messages, which the tests hold back or lose.
 */
class Source {
  name = 'old';
  loads = 0;
  readonly load = async () => {
    this.loads += 1;
    return this.name;
  };
}

const user = (cache: RedisCache, source: Source) => cache.region<string>('user').getOrLoad(1, source.load);

/** How far the loader of the outer value is when it reads the inner one. */
const moments: [string, () => Promise<void> | undefined][] = [
  ['at once', () => undefined],
  ['after an await', () => Promise.resolve()],
];

describe.each(CODECS)('a value made of another, with the codec %s', (codec) => {
  let world: World;
  let source: Source;
  beforeEach(() => void (source = new Source()));
  afterEach(() => world.end());

  const started = async (buckets: number, isCheap: boolean) => {
    world = new World(buckets, { codec });
    const start = () =>
      world.start(
        { regions: { profile: { l1: false }, soft: { staleWhileRevalidate: '1m' } } },
        new LoadScopes(isCheap),
      );
    return [await start(), await start()] as const;
  };

  /** From now on no message reaches the instance. */
  const cutOff = ({ channel }: Instance) => void (channel.loses = () => true);

  describe.each([
    ['one bucket, callers known to be in a load', 1, true],
    ['one bucket, callers not known', 1, false],
    ['four buckets', 4, true],
    ['four buckets, callers not known at first', 4, false],
  ])('with %s', (_name, buckets, isCheap) => {
    describe.each(moments)('read %s', (_moment, wait) => {
      const profile = (cache: RedisCache, id = 1) =>
        cache.region<string>('profile').getOrLoad(id, async () => {
          await wait();
          return `profile of ${await user(cache, source)}`;
        });

      it('is not filled with what L1 holds past an eviction that was acknowledged', async () => {
        const [a, b] = await started(buckets, isCheap);
        for (let id = 1; id <= 8; id++) await profile(a.cache, id);
        await user(b.cache, source);
        expect(b.cache.status().l1!.entries).toBe(1);
        cutOff(b);
        source.name = 'new';
        await a.cache.region('user').evict(1);
        for (let id = 1; id <= 8; id++) await a.cache.region('profile').evict(id);
        for (let id = 1; id <= 8; id++) await profile(b.cache, id);
        const read = await Promise.all(Array.from({ length: 8 }, (_, n) => profile(a.cache, n + 1)));
        expect(new Set(read)).toEqual(new Set(['profile of new']));
      });

      it('is not made of what L1 holds past it either while a fence stands, and nothing may be filled', async () => {
        const [a, b] = await started(buckets, isCheap);
        await user(b.cache, source);
        cutOff(b);
        source.name = 'new';
        await a.cache.region('user').evict(1);
        const written = gate<string>();
        const writing = a.cache.region<string>('profile').write(1, () => written.promise);
        await settle();
        const read = await profile(b.cache);
        written.open('profile of new');
        await writing;
        expect(read).toBe('profile of new');
      });

      it('is not given to those who came after an eviction that took the lease of its load', async () => {
        const [a, b] = await started(buckets, isCheap);
        await user(b.cache, source);
        const leased = b.faults.holdNextReply('readOrLease');
        const led = profile(b.cache);
        await settle();
        cutOff(b);
        source.name = 'new';
        await a.cache.region('user').evict(1);
        await a.cache.region('profile').evict(1);
        const joined = profile(b.cache);
        await settle();
        leased.open();
        await led;
        expect(await joined).toBe('profile of new');
      });

      it('is not given to those who came after an eviction while a fence stood', async () => {
        const [a, b] = await started(buckets, isCheap);
        await user(b.cache, source);
        const written = gate<string>();
        const writing = a.cache.region<string>('profile').write(1, () => written.promise);
        await settle();
        const refused = b.faults.holdNextReply('readOrLease');
        const led = profile(b.cache);
        await settle();
        cutOff(b);
        source.name = 'new';
        await a.cache.region('user').evict(1);
        const joined = profile(b.cache);
        await settle();
        refused.open();
        await led;
        const read = await joined;
        written.open('profile of new');
        await writing;
        expect(read).toBe('profile of new');
      });

      it('is not made of what L1 holds past it where a full server grants no lease', async () => {
        const [a, b] = await started(buckets, isCheap);
        await user(b.cache, source);
        cutOff(b);
        source.name = 'new';
        await a.cache.region('user').evict(1);
        b.faults.failNext('readOrLease', new StoreRefusal('OOM'));
        expect(await profile(b.cache)).toBe('profile of new');
      });

      it('is put with nothing that L1 holds past an eviction, by a write', async () => {
        const [a, b] = await started(buckets, isCheap);
        await user(b.cache, source);
        cutOff(b);
        source.name = 'new';
        await a.cache.region('user').evict(1);
        await b.cache.region<string>('profile').write(1, async () => {
          await wait();
          return `profile of ${await user(b.cache, source)}`;
        });
        expect(await a.cache.region('profile').get(1)).toBe('profile of new');
      });

      it('is put with nothing that L1 holds past an eviction, by a versioned write', async () => {
        const [a, b] = await started(buckets, isCheap);
        // versioned puts are accepted once the server's first tombstone time is over
        world.clock.jump(11 * 60_000);
        await world.clock.advance(300);
        await user(b.cache, source);
        cutOff(b);
        source.name = 'new';
        await a.cache.region('user').evict(1);
        const write = async () => {
          await wait();
          return `profile of ${await user(b.cache, source)}`;
        };
        await b.cache.region<string>('profile').write(1, write, { version: 1 });
        expect(await a.cache.region('profile').get(1)).toBe('profile of new');
      });

      it('is not filled with a stale value', async () => {
        const [a] = await started(buckets, isCheap);
        const soft = () => a.cache.region<string>('soft').getOrLoad(1, source.load, { ttl: '1s' });
        const outer = () =>
          a.cache.region<string>('profile').getOrLoad(1, async () => {
            await wait();
            return `profile of ${await soft()}`;
          });
        await soft();
        await world.clock.advance(1_500);
        source.name = 'new';
        expect(await outer()).toBe('profile of old');
        expect(await a.cache.region('profile').get(1)).toBeUndefined();
        await a.engine.settled();
        expect(await outer()).toBe('profile of new');
        expect(await a.cache.region('profile').get(1)).toBe('profile of new');
      });

      it('is not put with a stale value: the key is evicted', async () => {
        const [a] = await started(buckets, isCheap);
        const soft = () => a.cache.region<string>('soft').getOrLoad(1, source.load, { ttl: '1s' });
        await soft();
        await world.clock.advance(1_500);
        source.name = 'new';
        const written = await a.cache.region<string>('profile').write(1, async () => {
          await wait();
          return `profile of ${await soft()}`;
        });
        expect(written).toBe('profile of old');
        expect(await a.cache.region('profile').get(1)).toBeUndefined();
      });

      it('is not filled with a value whose own fill was refused', async () => {
        const [a, b] = await started(buckets, isCheap);
        const hold = gate();
        const outer = a.cache.region<string>('profile').getOrLoad(1, async () => {
          await wait();
          const inner = await a.cache.region<string>('user').getOrLoad(1, async () => {
            const { name } = source;
            await hold.promise;
            return name;
          });
          return `profile of ${inner}`;
        });
        await settle();
        source.name = 'new';
        await b.cache.region('user').evict(1);
        hold.open();
        expect(await outer).toBe('profile of old');
        expect(await b.cache.region('profile').get(1)).toBeUndefined();
      });

      it('is not filled, at any depth, with what was made of such a value', async () => {
        const [a] = await started(buckets, isCheap);
        const soft = () => a.cache.region<string>('soft').getOrLoad(1, source.load, { ttl: '1s' });
        const layer = (name: string, inner: () => Promise<string>) => () =>
          a.cache.region<string>(name).getOrLoad(1, async () => {
            await wait();
            return `${name} of ${await inner()}`;
          });
        await soft();
        await world.clock.advance(1_500);
        await layer('outermost', layer('profile', soft))();
        expect(await a.cache.region('outermost').get(1)).toBeUndefined();
      });
    });
  });

  it('is read from L1 all the same where every message has come', async () => {
    const [a] = await started(1, false);
    await user(a.cache, source);
    const before = a.faults.calls['read'];
    await a.cache.region<string>('profile').getOrLoad(1, async () => `profile of ${await user(a.cache, source)}`);
    expect(a.faults.calls['read']! - before!).toBe(1);
    expect(a.cache.status().regions['user']).toMatchObject({ hitsL1: 1 });
  });

  it('shares what it may not keep with nobody who came later', async () => {
    const [a] = await started(1, true);
    const soft = () => a.cache.region<string>('soft').getOrLoad(1, source.load, { ttl: '1s' });
    await soft();
    await world.clock.advance(1_500);
    const hold = gate();
    const outer = () =>
      a.cache.region<string>('profile').getOrLoad(1, async () => {
        const inner = await soft();
        await hold.promise;
        return `profile of ${inner}`;
      });
    source.name = 'new';
    const first = outer();
    await settle();
    const second = outer();
    hold.open();
    expect(await Promise.all([first, second])).toEqual(['profile of old', 'profile of new']);
  });
});
