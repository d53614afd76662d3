import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { engineOf } from '../../../lib/cache/redis-cache.js';
import { type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

/** The source of truth: a number that only grows, read by loaders at the moment they run. */
class Source {
  version = 1;
  load = async () => this.version;
}

describe('coherence', () => {
  let world: World;
  let source: Source;
  beforeEach(() => {
    world = new World();
    source = new Source();
  });
  afterEach(() => world.end());

  const started = (options = {}) => Promise.all([world.start(options), world.start(options)]);
  const read = ({ cache }: Instance, options = {}) => cache.region<number>('users').getOrLoad(1, source.load, options);

  /** Holds all messages back until `deliver`. */
  function holdMessages() {
    const { server } = world;
    const publish = server.publish.bind(server);
    const held: Parameters<typeof publish>[0][] = [];
    server.publish = (message) => void held.push(message);
    return {
      deliver: () => {
        server.publish = publish;
        held.forEach(publish);
      },
    };
  }

  describe.each([
    ['its key', (i: Instance) => i.cache.region('users').evict(1)],
    ['its tag', (i: Instance) => i.cache.evictTags(['t'])],
    ['its region', (i: Instance) => i.cache.region('users').clear()],
    ['the cache', (i: Instance) => i.cache.clear()],
  ])('an eviction of %s', (_name, evict) => {
    const tagged = { tags: ['t'] };

    it('refuses the fill of a load that began before it (R1, R6)', async () => {
      const [a, b] = await started();
      const load = gate();
      const loading = a.cache.region<number>('users').getOrLoad(
        1,
        async () => {
          const { version } = source;
          await load.promise;
          return version;
        },
        tagged,
      );
      await settle();
      source.version = 2;
      await evict(b);
      load.open();
      expect(await loading).toBe(1);
      expect([await read(a, tagged), await read(b, tagged)]).toEqual([2, 2]);
      expect(a.cache.status().regions['users']).toMatchObject({ fillsRefused: 1 });
    });

    it('is seen at once by the instance that evicted, also in its L1 (G3)', async () => {
      const [a, b] = await started();
      b.channel.loses = () => true;
      a.channel.loses = () => true;
      await read(a, tagged);
      await read(a, tagged);
      source.version = 2;
      await evict(a);
      expect(await read(a, tagged)).toBe(2);
    });

    it('reaches the L1 of another instance by its message', async () => {
      const [a, b] = await started();
      await read(a, tagged);
      await read(b, tagged);
      source.version = 2;
      await evict(a);
      await settle();
      expect(await read(b, tagged)).toBe(2);
    });

    it('ends the L1 of another instance within D when every message is lost (R5)', async () => {
      const [a, b] = await started();
      await read(a, tagged);
      await read(b, tagged);
      b.channel.loses = () => true;
      source.version = 2;
      await evict(a);
      expect(await read(b, tagged)).toBe(1);
      await world.clock.advance(1_000);
      expect(await read(b, tagged)).toBe(2);
    });

    it('is not outlived by L1 in an instance whose polls fail', async () => {
      const [a, b] = await started();
      await read(a, tagged);
      await read(b, tagged);
      b.channel.loses = () => true;
      for (let n = 0; n < 20; n++) b.faults.failNext('poll');
      source.version = 2;
      await evict(a);
      await world.clock.advance(1_001);
      expect(await read(b, tagged)).toBe(2);
    });

    it('keeps a reply that was under way out of L1 (R4)', async () => {
      const [a, b] = await started();
      await read(a, tagged);
      const reply = b.faults.holdNextReply('read');
      const early = read(b, tagged);
      await settle();
      source.version = 2;
      await evict(a);
      await settle();
      reply.open();
      await early;
      expect(await read(b, tagged)).toBe(2);
    });

    it('is not undone by a caller who joins a load that began before it (R3)', async () => {
      const [a, b] = await started();
      const load = gate();
      const first = a.cache.region<number>('users').getOrLoad(
        1,
        async () => {
          const { version } = source;
          await load.promise;
          return version;
        },
        tagged,
      );
      await settle();
      source.version = 2;
      await evict(b);
      const second = read(a, tagged);
      await settle();
      load.open();
      expect(await first).toBe(1);
      expect(await second).toBe(2);
    });

    it('is not undone by a caller who joins a read that was sent before it', async () => {
      const [a, b] = await started({ l1: false });
      await read(a, tagged);
      const reply = a.faults.holdNextReply('read');
      const first = read(a, tagged);
      await settle();
      source.version = 2;
      await evict(b);
      const second = read(a, tagged);
      reply.open();
      // it began before the eviction: either answer is right for it
      expect([1, 2]).toContain(await first);
      expect(await second).toBe(2);
    });

    it('is not undone by a caller who joins after the fill was sent', async () => {
      const [a, b] = await started({ l1: false });
      const fill = a.faults.holdNextReply('fill');
      const first = read(a, tagged);
      await settle();
      source.version = 2;
      await evict(b);
      const second = read(a, tagged);
      fill.open();
      expect(await first).toBe(1);
      expect(await second).toBe(2);
    });
  });

  it('serves what was read after the eviction from L1, though the message of the eviction comes later', async () => {
    const [a, b] = await started();
    await read(a);
    const late = holdMessages();
    source.version = 2;
    await a.cache.region('users').evict(1);
    expect(await read(b)).toBe(2);
    late.deliver();
    await settle();
    await read(b);
    expect(b.cache.status().regions['users']).toMatchObject({ hitsL1: 1 });
  });

  it('keeps a reply out of the L1 of the instance that evicted meanwhile, though its message is lost (G3)', async () => {
    const [a, b] = await started();
    await read(b);
    a.channel.loses = () => true;
    const reply = a.faults.holdNextReply('read');
    const early = read(a);
    await settle();
    source.version = 2;
    await a.cache.region('users').evict(1);
    reply.open();
    await early;
    expect(await read(a)).toBe(2);
  });

  it('keeps a reply out of L1 that was under way when messages were found to be missing', async () => {
    const [a, b] = await started();
    await read(a);
    b.channel.loses = (message) => message.kind === 'entry' && message.entry.includes(':1:');
    const reply = b.faults.holdNextReply('read');
    const early = read(b);
    await settle();
    source.version = 2;
    await a.cache.region('users').evict(1);
    await a.cache.region('users').evict(7);
    await settle();
    reply.open();
    await early;
    expect(await read(b)).toBe(2);
  });

  it('leaves in L1 what a forced load brought there when the answer of a read that was sent before comes after it', async () => {
    const [a, b] = await started();
    await read(a);
    const reply = b.faults.holdNextReply('read');
    const early = read(b);
    await settle();
    source.version = 2;
    expect(await read(b, { forceFresh: true })).toBe(2);
    reply.open();
    expect(await early).toBe(1);
    expect(await read(b)).toBe(2);
    expect(b.cache.status().regions['users']).toMatchObject({ hitsL1: 1 });
  });

  it('leaves in L1 what a fill brought there when a read that was sent after the fill was answered before it', async () => {
    const { cache, faults } = await world.start();
    const users = cache.region<number>('users');
    const type = (plain: number) => plain;
    await users.getOrLoad(1, async () => 1);
    const fill = faults.holdNext('fill');
    const forced = users.getOrLoad(1, async () => 2, { forceFresh: true });
    await settle();
    // of another shape, so that L1 does not answer
    const typed = () => users.getOrLoad(1, async () => 3, { type });
    expect(await typed()).toBe(1);
    fill.open();
    expect(await forced).toBe(2);
    expect(await typed()).toBe(2);
  });

  it('does not serve from L1 what was decoded for another type', async () => {
    const { cache } = await world.start();
    class User {
      id = 1;
    }
    const users = cache.region<object>('users');
    await users.getOrLoad(1, async () => ({ id: 1 }));
    expect(await users.getOrLoad(1, async () => ({}), { type: User })).toBeInstanceOf(User);
    expect(await users.getOrLoad(1, async () => ({}))).not.toBeInstanceOf(User);
  });

  it('leaves other keys, tags and regions in L1', async () => {
    const { cache } = await world.start();
    const [users, orders] = [cache.region<number>('users'), cache.region<number>('orders')];
    await users.getOrLoad(1, source.load, { tags: ['a'] });
    await users.getOrLoad(2, source.load, { tags: ['b'] });
    await orders.getOrLoad(1, source.load);
    await cache.evictTags(['a']);
    await cache.region('users').evict(3);
    await users.getOrLoad(2, source.load);
    await orders.getOrLoad(1, source.load);
    expect([cache.status().regions['users']!.hitsL1, cache.status().regions['orders']!.hitsL1]).toEqual([1, 1]);
    await orders.clear();
    await users.getOrLoad(2, source.load);
    expect(cache.status().regions['users']!.hitsL1).toBe(2);
  });

  it('does not serve from L1 before the first poll, and not when polls stop for D', async () => {
    const { cache, faults } = await world.start();
    await read({ cache } as Instance);
    await read({ cache } as Instance);
    expect(cache.status().regions['users']!.hitsL1).toBe(1);
    for (let n = 0; n < 20; n++) faults.failNext('poll');
    await world.clock.advance(1_001);
    await read({ cache } as Instance);
    expect(cache.status().regions['users']).toMatchObject({ hitsL1: 1, hitsL2: 1 });
    expect(cache.status().l1!.verifiedAgeMs).toBeGreaterThan(1_000);
  });

  it('serves from L1 for as long as polls prove it', async () => {
    const { cache } = await world.start({ ttl: '1h' });
    await read({ cache } as Instance);
    for (let n = 0; n < 20; n++) {
      await world.clock.advance(500);
      await read({ cache } as Instance);
    }
    expect(cache.status().regions['users']).toMatchObject({ hitsL1: 20, misses: 1 });
  });

  it('waits for messages on their way before it gives L1 up', async () => {
    const [a, b] = await started({ ttl: '1h' });
    await b.cache.region('users').getOrLoad(2, source.load);
    // the message of an eviction that the poll knows of comes 10 ms after the poll's answer
    const late = holdMessages();
    await a.cache.region('users').evict(1);
    world.clock.after(260, () => late.deliver());
    await world.clock.advance(300);
    await b.cache.region('users').getOrLoad(2, source.load);
    expect(b.cache.status().regions['users']!.hitsL1).toBe(1);
  });

  describe('a server that is not the one from before', () => {
    it.each([
      ['was restarted', (w: World) => w.server.restart()],
      ['lost everything', (w: World) => w.server.flush()],
    ])('%s: nothing from before is served (G7)', async (_name, happen) => {
      const [a, b] = await started();
      await read(a);
      await read(b);
      source.version = 2;
      happen(world);
      await world.clock.advance(1_000);
      expect([await read(a), await read(b)]).toEqual([2, 2]);
    });

    it('brings an evicted entry back: it is not served (R9)', async () => {
      const [a, b] = await started();
      await read(a);
      const replica = world.server.dump();
      source.version = 2;
      await a.cache.region('users').evict(1);
      world.server.restart();
      world.server.rollBack(replica);
      expect([await read(b), await read(a)]).toEqual([2, 2]);
    });

    it('is the first one again: it is not believed either (R10)', async () => {
      const [a, b] = await started();
      await read(a);
      const old = world.server.dump();
      source.version = 2;
      await a.cache.region('users').evict(1);
      world.server.rollBack(old);
      await b.cache.region('users').evict(7);
      expect([await read(b), await read(a)]).toEqual([2, 2]);
    });

    it('ends L1 at once when any answer shows it, before a poll does', async () => {
      const [a, b] = await started();
      b.channel.loses = () => true;
      await read(b);
      await b.cache.region('users').getOrLoad(2, source.load);
      source.version = 2;
      world.server.restart();
      await a.cache.region('users').evict(7);
      await b.cache.region('users').getOrLoad(3, source.load);
      expect(await read(b)).toBe(2);
    });

    it('refuses the fill of a load from before', async () => {
      const [a, b] = await started();
      const load = gate();
      const loading = a.cache.region<number>('users').getOrLoad(1, async () => {
        const { version } = source;
        await load.promise;
        return version;
      });
      await settle();
      source.version = 2;
      world.server.restart();
      load.open();
      expect(await loading).toBe(1);
      expect(await read(b)).toBe(2);
    });
  });

  it('judges freshness by the clock of the bucket’s own server, since two clocks differ', async () => {
    const many = new World(2);
    const { cache, faults } = await many.make({ l1: false, ttl: '1s', staleIfError: '1h' });
    // the last one that is polled
    faults.shiftClock(1, -10_000);
    await engineOf(cache).open();
    const users = cache.region<number>('users');
    const ids = Array.from({ length: 8 }, (_, id) => id).filter(
      (id) => engineOf(cache).region('users').keyOf(String(id)).bucket === 0,
    );
    expect(ids.length).toBeGreaterThan(0);
    for (const id of ids) await users.getOrLoad(id, async () => 1);
    await many.clock.advance(1_001);
    for (const id of ids) expect(await users.getOrLoad(id, async () => 2)).toBe(2);
    await many.end();
  });

  it('keeps many buckets apart', async () => {
    const many = new World(16);
    const [a, b] = [await many.start(), await many.start()];
    for (let id = 0; id < 50; id++) {
      await a.cache.region<number>('users').getOrLoad(id, source.load, { tags: ['t'] });
      await b.cache.region<number>('users').getOrLoad(id, source.load, { tags: ['t'] });
    }
    source.version = 2;
    await a.cache.region('users').evict(7);
    await settle();
    const versions = await Promise.all(
      Array.from({ length: 50 }, (_, id) =>
        b.cache.region<number>('users').getOrLoad(id, source.load, { tags: ['t'] }),
      ),
    );
    expect(versions.map((version, id) => version === (id === 7 ? 2 : 1))).not.toContain(false);
    await a.cache.evictTags(['t']);
    await settle();
    for (let id = 0; id < 50; id++) expect(await b.cache.region<number>('users').getOrLoad(id, source.load)).toBe(2);
    await many.end();
  });
});
