import { LoadScopes } from '../../../lib/cache/load-scopes.js';
import { type ReadOptions, resolveReadPolicy } from '../../../lib/cache/read-policy.js';
import type { RedisCacheOptions } from '../../../lib/options/redis-cache-options.js';
import { StoreRefusal } from '../../../lib/stores/remote-store.js';
import { type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';
import { promised, type Schedule } from '../schedule.js';

/**
 * `outer` is made of `inner`, which is loaded from the source: a number that only grows. Two instances; the second
 * loses its messages when told to.
 */
class Composed {
  version = 1;

  private constructor(
    readonly world: World,
    readonly a: Instance,
    readonly b: Instance,
  ) {}

  static async start(buckets: number, options: Partial<RedisCacheOptions> = {}): Promise<Composed> {
    const world = new World(buckets);
    // before Node 24: who is part of which load is not known at first
    const start = () =>
      world.start(
        { ttl: '1h', regions: { middle: { l1: false }, outer: { l1: false } }, ...options },
        new LoadScopes(false),
      );
    return new Composed(world, await start(), await start());
  }

  inner({ cache }: Instance, options?: ReadOptions<number>): Promise<number> {
    return cache.region<number>('inner').getOrLoad(1, async () => this.version, options);
  }

  outer(instance: Instance, key = 1, inner = () => this.inner(instance)): Promise<number> {
    return instance.cache.region<number>('outer').getOrLoad(key, async () => {
      await Promise.resolve();
      return inner();
    });
  }

  /** Keys of a region that are in other buckets than the inner value. */
  keysElsewhere(region: string): number[] {
    const bucketOf = (name: string, key: number) => this.b.engine.region(name).keyOf(String(key)).bucket;
    return [1, 2, 3, 4, 5, 6, 7, 8].filter((key) => bucketOf(region, key) !== bucketOf('inner', 1));
  }

  /** `b` holds the inner value in L1, and hears nothing any more when both were evicted by `a`. */
  async evictPast(keys: readonly number[]): Promise<void> {
    const { a, b } = this;
    await this.inner(b);
    b.channel.loses = () => true;
    this.version = 2;
    await a.cache.region('inner').evict(1);
    for (const key of keys) await a.cache.region('outer').evict(key);
  }
}

const MADE = 'a read of an entry made of another, after both were evicted (G1)';
const STALE: Partial<RedisCacheOptions> = { regions: { inner: { ttl: '1s', staleWhileRevalidate: '1m' }, outer: {} } };

/** Entries that are made of other entries (R18). */
export const composedSchedules: readonly Schedule[] = [
  {
    convicts: ['a lease does not hold L1 back'],
    name: 'a load reads nothing from L1 that was evicted before its lease, on one bucket',
    async run() {
      const made = await Composed.start(1);
      await made.evictPast([1]);
      await made.outer(made.b);
      promised(2, await made.outer(made.a), MADE);
      await made.world.end();
    },
  },
  {
    convicts: ['nothing but a lease holds L1 back'],
    name: 'a load beside a fence reads nothing from L1 that was evicted before it was told to begin',
    async run() {
      const made = await Composed.start(1);
      const { a, b } = made;
      // a region that finds next to nothing in Redis asks for the lease without a plain read before
      for (let key = 100; key < 180; key++) await b.cache.region<number>('outer').getOrLoad(key, async () => 0);
      await made.evictPast([]);
      const written = gate<number>();
      const writing = a.cache.region<number>('outer').write(1, () => written.promise);
      await settle();
      const read = await made.outer(b);
      written.open(2);
      await writing;
      promised(2, read, MADE);
      await made.world.end();
    },
  },
  {
    convicts: ['a plain read does not hold L1 back'],
    name: 'a load that a full server lets begin without a lease reads nothing from L1 that was evicted before it',
    async run() {
      const made = await Composed.start(1);
      await made.evictPast([]);
      made.b.faults.failNext('readOrLease', new StoreRefusal('OOM'));
      promised(2, await made.outer(made.b), MADE);
      await made.world.end();
    },
  },
  {
    convicts: ['a load that was not filled counts as of its begin'],
    name: 'who arrives after an eviction takes no load that began after it, made of what L1 held before',
    async run() {
      const made = await Composed.start(1);
      const { a, b } = made;
      await made.inner(b);
      const leased = b.faults.holdNextReply('readOrLease');
      const first = made.outer(b);
      await settle();
      b.channel.loses = () => true;
      made.version = 2;
      await a.cache.region('inner').evict(1);
      await a.cache.region('outer').evict(1);
      const joined = made.outer(b);
      await settle();
      leased.open();
      await first;
      promised(2, await joined, MADE);
      await made.world.end();
    },
  },
  {
    convicts: ['a fence does not hold L1 back'],
    name: 'a write puts nothing made of what L1 held when its fence was set',
    async run() {
      const made = await Composed.start(1);
      await made.evictPast([1]);
      await made.b.cache.region<number>('outer').write(1, async () => {
        await Promise.resolve();
        return made.inner(made.b);
      });
      promised(2, await made.outer(made.a), MADE);
      await made.world.end();
    },
  },
  {
    convicts: ['L1 of another bucket needs no proof inside a load'],
    name: 'a load reads nothing from L1 of another bucket without a later proof',
    async run() {
      const made = await Composed.start(4);
      const keys = made.keysElsewhere('outer');
      await made.evictPast(keys);
      for (const key of keys) await made.outer(made.b, key);
      for (const key of keys) promised(2, await made.outer(made.a, key), MADE);
      await made.world.end();
    },
  },
  {
    convicts: ['L1 of another bucket needs no proof inside a load'],
    name: 'a write puts nothing made of L1 of another bucket without a proof later than its fence',
    async run() {
      const made = await Composed.start(4);
      const keys = made.keysElsewhere('outer');
      await made.evictPast(keys);
      for (const key of keys) {
        await made.b.cache.region<number>('outer').write(key, async () => {
          await Promise.resolve();
          return made.inner(made.b);
        });
      }
      for (const key of keys) promised(2, await made.outer(made.a, key), MADE);
      await made.world.end();
    },
  },
  {
    convicts: ['a poll proves its answer'],
    name: 'a poll that was sent before a lease and answered after it proves nothing to its load',
    async run() {
      const made = await Composed.start(2);
      const { a, b, world } = made;
      const [key] = made.keysElsewhere('outer');
      await made.inner(b);
      const answers = [0, 1].map(() => b.faults.holdNextReply('poll'));
      await world.clock.advance(260);
      b.channel.loses = () => true;
      made.version = 2;
      await a.cache.region('inner').evict(1);
      await a.cache.region('outer').evict(key!);
      const go = gate();
      const outer = made.outer(b, key, async () => {
        await go.promise;
        return made.inner(b);
      });
      await world.clock.advance(1);
      for (const answer of answers) answer.open();
      await settle();
      go.open();
      await outer;
      promised(2, await made.outer(a, key), MADE);
      await world.end();
    },
  },
  {
    convicts: ['a proof for the outermost load is one for all'],
    name: 'a load inside a load needs a proof later than its own lease',
    async run() {
      const made = await Composed.start(4);
      const { a, b, world } = made;
      const [key] = made.keysElsewhere('middle');
      const middle = (instance: Instance) =>
        instance.cache.region<number>('middle').getOrLoad(key!, async () => {
          await Promise.resolve();
          return made.inner(instance);
        });
      await made.inner(b);
      const go = gate();
      const outer = made.outer(b, 1, async () => {
        await go.promise;
        return middle(b);
      });
      await world.clock.advance(300);
      b.channel.loses = () => true;
      made.version = 2;
      await a.cache.region('inner').evict(1);
      await a.cache.region('middle').evict(key!);
      await a.cache.region('outer').evict(1);
      go.open();
      await outer;
      promised(2, await middle(a), MADE);
      await world.end();
    },
  },
  {
    convicts: ['a tainted load is filled'],
    name: 'an entry is not filled with a stale value',
    async run() {
      const made = await Composed.start(1, STALE);
      await made.inner(made.a);
      await made.world.clock.advance(1_500);
      made.version = 2;
      await made.outer(made.a);
      await made.a.engine.settled();
      promised(
        2,
        await made.outer(made.a),
        'a read after its parts were refreshed: a stale value does not live on in another entry',
      );
      await made.world.end();
    },
  },
  {
    convicts: ['who joins a read is not tainted by it'],
    name: 'an entry is not filled with a stale value that another caller was waiting for',
    async run() {
      const made = await Composed.start(1, STALE);
      const { a, world } = made;
      await made.inner(a);
      await world.clock.advance(1_500);
      made.version = 2;
      const answer = a.faults.holdNextReply('read');
      const first = made.inner(a);
      await settle();
      const outer = made.outer(a);
      await settle();
      answer.open();
      await Promise.all([first, outer]);
      await a.engine.settled();
      promised(
        2,
        await made.outer(a),
        'a read after its parts were refreshed: a stale value does not live on in another entry',
      );
      await world.end();
    },
  },
  {
    convicts: ['a refused fill taints nothing'],
    name: 'an entry is not filled with a value whose own fill was refused',
    async run() {
      const made = await Composed.start(1);
      const { a, b } = made;
      const hold = gate();
      const outer = made.outer(a, 1, () =>
        a.cache.region<number>('inner').getOrLoad(1, async () => {
          const { version } = made;
          await hold.promise;
          return version;
        }),
      );
      await settle();
      made.version = 2;
      await b.cache.region('inner').evict(1);
      hold.open();
      await outer;
      promised(2, await made.outer(b), 'a read after an eviction voided what an entry was to be made of');
      await made.world.end();
    },
  },
  {
    convicts: ['a put takes what its call evicts'],
    name: 'a put is not made of what the same call evicts',
    async run() {
      const made = await Composed.start(1);
      const { a } = made;
      await made.outer(a);
      const [outer, inner] = [a.engine.region('outer'), a.engine.region('inner')];
      const policy = resolveReadPolicy(outer.options, {}, 'outer');
      const plan = {
        strict: [],
        puts: [outer.entryCall(outer.keyOf('1'), policy, [])],
        evictsNothing: false,
        after: () => inner.wantedKeys([inner.keyOf('1')]),
      };
      await outer.writer.writeAll(plan, async () => {
        made.version = 2;
        await Promise.resolve();
        return made.inner(a);
      });
      promised(2, await made.outer(a), MADE);
      await made.world.end();
    },
  },
];
