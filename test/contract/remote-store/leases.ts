import { expect } from '@jest/globals';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import {
  ask,
  aToken,
  cached,
  evict,
  expectHit,
  expectNothing,
  fence,
  fill,
  hit,
  lease,
  LONG_MS,
  messagesOf,
  placeOf,
  poll,
} from './actions.js';

/** readOrLease, release, renew. */
export const leaseTests: RemoteStoreTest[] = [
  {
    name: 'the lease of a missing key goes to one caller only',
    async run(h) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => ask(h.stores[n % 2]!, placeOf(h), { leaseMs: 5_000 })),
      );
      expect(answers.filter(({ kind }) => kind === 'lease')).toHaveLength(1);
      const held = answers.filter((answer) => answer.kind === 'held');
      expect(held).toHaveLength(19);
      for (const { stale, remainingMs } of held) {
        expect(stale).toBeNull();
        expect(remainingMs).toBeGreaterThan(0);
        expect(remainingMs).toBeLessThanOrEqual(5_000);
      }
    },
  },
  {
    name: 'what remains of a held lease shrinks with time',
    async run(h) {
      await lease(h.stores[0], placeOf(h), { leaseMs: 5_000 });
      await h.passTime(20);
      const answer = await ask(h.stores[1], placeOf(h));
      if (answer.kind !== 'held') throw new Error(answer.kind);
      expect(answer.remainingMs).toBeLessThanOrEqual(4_981);
      expect(answer.remainingMs).toBeGreaterThan(1_000);
    },
  },
  {
    name: 'the holder of a lease that asks again gets it again, and others still wait',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h));
      expect(await ask(h.stores[0], placeOf(h), { token })).toMatchObject({ kind: 'lease' });
      expect(await ask(h.stores[1], placeOf(h), { token })).toMatchObject({ kind: 'lease' });
      expect(await ask(h.stores[0], placeOf(h))).toMatchObject({ kind: 'held' });
      expect(await fill(h.stores[0], placeOf(h), token)).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'the lease may be taken over when its time is over',
    async run(h) {
      await lease(h.stores[0], placeOf(h), { leaseMs: 5 });
      await h.passTime(8);
      await lease(h.stores[1], placeOf(h));
      expect(await ask(h.stores[0], placeOf(h))).toMatchObject({ kind: 'held' });
    },
  },
  {
    name: 'a holder whose lease was taken over cannot fill, and the new holder can',
    async run(h) {
      const slow = await lease(h.stores[0], placeOf(h), { leaseMs: 5 });
      await h.passTime(8);
      const next = await lease(h.stores[1], placeOf(h));
      expect(await fill(h.stores[0], placeOf(h), slow, { payload: 'old' })).toMatchObject({
        kind: 'refused',
        reason: 'lease',
      });
      expect(await fill(h.stores[1], placeOf(h), next, { payload: 'new' })).toMatchObject({ kind: 'filled' });
      await expectHit(h.stores[0], placeOf(h), 'new');
    },
  },
  {
    name: 'a slow loader may fill after the end of its lease when nobody took over',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h), { leaseMs: 5 });
      await h.passTime(8);
      expect(await fill(h.stores[0], placeOf(h), token)).toMatchObject({ kind: 'filled' });
      await expectHit(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'the record of a lease is kept for keepMs after its end and no longer',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h), { leaseMs: 5, keepMs: 5 });
      await h.passTime(13);
      expect(await fill(h.stores[0], placeOf(h), token)).toMatchObject({ kind: 'refused', reason: 'lease' });
    },
  },
  {
    name: 'everybody hits what was filled, with the server time at which it was fresh',
    async run(h) {
      const place = placeOf(h);
      const token = await lease(h.stores[0], place);
      const filled = await fill(h.stores[0], place, token, { ttlMs: 5_000, version: '3', tags: ['a'], loadMicros: 77 });
      if (filled.kind !== 'filled') throw new Error(filled.reason);
      for (const store of h.stores) {
        const answer = await ask(store, place);
        if (answer.kind !== 'hit') throw new Error(answer.kind);
        expect(answer.entry).toEqual({
          payload: '{"name":"Ada"}',
          format: 'json',
          stamp: filled.stamp,
          incarnation: filled.incarnation,
          freshUntilMicros: filled.nowMicros + 5_000_000,
          loadMicros: 77,
          version: '3',
          tags: ['a'],
        });
        expect(answer.nowMicros).toBeGreaterThanOrEqual(filled.nowMicros);
        expect(answer.nowMicros).toBeLessThan(answer.entry.freshUntilMicros);
      }
    },
  },
  {
    name: 'an entry is not fresh after its ttl',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { ttlMs: 8, staleMs: 0 });
      await h.passTime(11);
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'an entry past its ttl is stale, never a hit: given to the holder of the lease and to those who wait',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { ttlMs: 5 });
      await h.passTime(8);
      for (const kind of ['lease', 'held', 'held']) {
        expect(await ask(h.stores[0], placeOf(h))).toMatchObject({ kind, stale: { payload: '{"name":"Ada"}' } });
      }
    },
  },
  {
    name: 'nothing is stale after the stale window',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { ttlMs: 5, staleMs: 8 });
      await h.passTime(16);
      await expectNothing(h.stores[0], placeOf(h));
    },
  },
  {
    name: 'force takes the lease of a fresh entry, which others go on to hit',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { payload: 'first' });
      const answer = await ask(h.stores[0], placeOf(h), { force: true, token: 'refresher' });
      expect(answer).toMatchObject({ kind: 'lease', stale: { payload: 'first' } });
      await expectHit(h.stores[1], placeOf(h), 'first');
      expect(await fill(h.stores[0], placeOf(h), 'refresher', { payload: 'second' })).toMatchObject({ kind: 'filled' });
      await expectHit(h.stores[1], placeOf(h), 'second');
    },
  },
  {
    name: 'force does not take the lease from its holder',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await lease(h.stores[0], placeOf(h), { force: true });
      expect(await ask(h.stores[1], placeOf(h), { force: true })).toMatchObject({
        kind: 'held',
        stale: { payload: '{"name":"Ada"}' },
      });
    },
  },
  {
    name: 'keys that share a beginning, and one identifier in two regions, have leases and entries of their own',
    async run(h) {
      const places = ['a', 'a:b', 'ab', 'a%3ab', 'A', '1', '11'].flatMap((identifier) => [
        placeOf(h, identifier, 'users'),
        placeOf(h, identifier, 'user'),
      ]);
      const held: string[] = [];
      for (const place of places) held.push(await lease(h.stores[0], place));
      for (const [n, place] of places.entries()) await fill(h.stores[0], place, held[n]!, { payload: `${n}` });
      for (const [n, place] of places.entries()) await expectHit(h.stores[1], place, `${n}`);
      await evict(h.stores[0], places[0]!);
      for (const [n, place] of places.entries()) if (n > 0) await expectHit(h.stores[1], place, `${n}`);
    },
  },
  {
    name: 'what is asked, and filled, at once is answered each for itself, in regions and bytes of its own',
    async run(h) {
      const [one, other] = h.stores;
      const place = (name: string, region = 'users') => placeOf(h, name, region);
      const places = {
        fresh: place('fresh'),
        missing: place('missing', 'orders'),
        fenced: place('fenced'),
        held: place('held', 'orders'),
        stale: place('stale'),
        staleHeld: place('stale-held', 'orders'),
        forced: place('forced'),
        bytes: place('bytes', 'orders'),
      };
      for (const name of ['stale', 'staleHeld'] as const) await cached(one, places[name], { payload: name, ttlMs: 2 });
      for (const name of ['fresh', 'forced', 'bytes'] as const) await cached(one, places[name], { payload: name });
      await h.passTime(5);
      for (const name of ['held', 'staleHeld'] as const) await lease(other, places[name]);
      await fence(other, places.fenced);

      const tokens = Object.keys(places).map(() => aToken());
      const answers = await Promise.all(
        Object.entries(places).map(([name, { key, region }], n) =>
          ask(one, { key, region }, { token: tokens[n]!, force: name === 'forced', binary: name === 'bytes' }),
        ),
      );
      expect(answers).toMatchObject([
        { kind: 'hit', entry: { payload: 'fresh' } },
        { kind: 'lease', stale: null },
        { kind: 'fenced' },
        { kind: 'held', stale: null, remainingMs: expect.any(Number) },
        { kind: 'lease', stale: { payload: 'stale' } },
        { kind: 'held', stale: { payload: 'staleHeld' }, remainingMs: expect.any(Number) },
        { kind: 'lease', stale: { payload: 'forced' } },
        { kind: 'hit', entry: { payload: Buffer.from('bytes') } },
      ]);

      // of all of them at once: what holds a lease is filled, and has the payload, the region and the tags of its own
      const fills = await Promise.all(
        Object.entries(places).map(([name, at], n) =>
          fill(one, at, tokens[n]!, { payload: `new ${name}`, tags: name === 'stale' ? ['a,b'] : [], staleMs: n }),
        ),
      );
      expect(fills.map(({ kind }) => kind === 'filled')).toEqual([false, true, false, false, true, false, true, false]);
      for (const name of ['missing', 'stale', 'forced'] as const) await expectHit(other, places[name], `new ${name}`);
      expect((await hit(other, places.stale)).tags).toEqual(['a,b']);
      expect((await hit(other, places.missing)).tags).toEqual([]);
      await expectHit(other, places.fresh, 'fresh');
    },
  },
  {
    name: 'a key that is filled twice at once takes the one that holds its lease',
    async run(h) {
      const [place, another] = [placeOf(h), placeOf(h, '2')];
      const token = await lease(h.stores[0], place);
      const next = await lease(h.stores[0], another);
      const outcomes = await Promise.all([
        fill(h.stores[0], place, aToken(), { payload: 'foreign' }),
        fill(h.stores[0], another, next, { payload: 'another' }),
        fill(h.stores[0], place, token, { payload: 'own' }),
        fill(h.stores[0], place, token, { payload: 'late' }),
      ]);
      expect(outcomes.map(({ kind }) => kind)).toEqual(['refused', 'filled', 'filled', 'refused']);
      await expectHit(h.stores[1], place, 'own');
      await expectHit(h.stores[1], another, 'another');
    },
  },
  {
    name: 'release gives the lease to the next caller and wakes those who wait',
    async run(h) {
      const { key } = placeOf(h);
      const token = await lease(h.stores[0], placeOf(h));
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'held' });
      const messages = await messagesOf(h, () => h.stores[0].release({ key, token }));
      expect(messages).toEqual([{ kind: 'wake', bucket: key.bucket, entry: key.entry }]);
      await lease(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'the end of a lease that nobody waits for is told to nobody, also where somebody waited for one before',
    async run(h) {
      const place = placeOf(h);
      const before = await lease(h.stores[0], place);
      expect(await ask(h.stores[1], place)).toMatchObject({ kind: 'held' });
      await h.stores[0].release({ key: place.key, token: before });
      const messages = await messagesOf(h, async () => {
        await h.stores[0].release({ key: place.key, token: await lease(h.stores[0], place) });
        await fill(h.stores[0], place, await lease(h.stores[0], place));
      });
      expect(messages).toEqual([]);
    },
  },
  {
    name: 'release with a foreign token does nothing',
    async run(h) {
      const { key } = placeOf(h);
      const token = await lease(h.stores[0], placeOf(h));
      const messages = await messagesOf(h, () => h.stores[1].release({ key, token: aToken() }));
      expect(messages).toEqual([]);
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'held' });
      expect(await fill(h.stores[0], placeOf(h), token)).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'a released token cannot fill, and an entry that stood stays',
    async run(h) {
      const { key } = placeOf(h);
      await cached(h.stores[0], placeOf(h), { payload: 'first' });
      const token = await lease(h.stores[0], placeOf(h), { force: true });
      await h.stores[0].release({ key, token });
      expect(await fill(h.stores[0], placeOf(h), token, { payload: 'second' })).toMatchObject({
        kind: 'refused',
        reason: 'lease',
      });
      await expectHit(h.stores[1], placeOf(h), 'first');
    },
  },
  {
    name: 'release keeps the tombstone of the key',
    async run(h) {
      const place = placeOf(h);
      await evict(h.stores[0], place, '5', LONG_MS);
      const token = await lease(h.stores[0], place);
      await h.stores[0].release({ key: place.key, token });
      expect(await fill(h.stores[0], place, await lease(h.stores[0], place), { version: '4' })).toMatchObject({
        reason: 'version',
      });
    },
  },
  {
    name: 'renew extends the lease from now',
    async run(h) {
      const { key } = placeOf(h);
      const token = await lease(h.stores[0], placeOf(h), { leaseMs: 300, keepMs: 300 });
      expect(await h.stores[0].renew({ key, token, leaseMs: LONG_MS, keepMs: LONG_MS })).toBe(true);
      await h.passTime(340);
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'held' });
      expect(await fill(h.stores[0], placeOf(h), token)).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'renew works after the end of the lease when nobody took over',
    async run(h) {
      const { key } = placeOf(h);
      const token = await lease(h.stores[0], placeOf(h), { leaseMs: 5 });
      await h.passTime(8);
      expect(await h.stores[0].renew({ key, token, leaseMs: LONG_MS, keepMs: LONG_MS })).toBe(true);
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'held' });
    },
  },
  {
    name: 'renew is false for a token that does not stand: foreign, evicted, filled or unknown',
    async run(h) {
      const { key } = placeOf(h);
      const [store] = h.stores;
      const renew = (token: string) => store.renew({ key, token, leaseMs: LONG_MS, keepMs: LONG_MS });
      expect(await renew(aToken())).toBe(false);
      const evicted = await lease(store, placeOf(h));
      expect(await renew(aToken())).toBe(false);
      await evict(store, placeOf(h));
      expect(await renew(evicted)).toBe(false);
      const filled = await lease(store, placeOf(h));
      await fill(store, placeOf(h), filled);
      expect(await renew(filled)).toBe(false);
    },
  },
  {
    name: 'renew with a foreign token does not extend the lease',
    async run(h) {
      const { key } = placeOf(h);
      await lease(h.stores[0], placeOf(h), { leaseMs: 5 });
      await h.stores[1].renew({ key, token: aToken(), leaseMs: LONG_MS, keepMs: LONG_MS });
      await h.passTime(8);
      await lease(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'leases, releases and renewals leave the sequence alone',
    async run(h) {
      const place = placeOf(h);
      const before = await poll(h.stores[0], place);
      const token = await lease(h.stores[0], place);
      await ask(h.stores[1], place);
      await h.stores[0].renew({ key: place.key, token, leaseMs: 5, keepMs: 5 });
      await h.stores[0].release({ key: place.key, token });
      expect((await poll(h.stores[0], place)).sequence).toBe(before.sequence);
    },
  },
  {
    name: 'a hit leaves the lease to nobody: the first caller after the ttl gets it',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { ttlMs: 12, staleMs: 0 });
      await ask(h.stores[0], placeOf(h));
      await h.passTime(15);
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'a fill by another store with the same token is the same load',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h));
      expect(await fill(h.stores[1], placeOf(h), token)).toMatchObject({ kind: 'filled' });
      expect((await hit(h.stores[0], placeOf(h))).payload).toBe('{"name":"Ada"}');
    },
  },
];
