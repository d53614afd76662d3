import { expect } from '@jest/globals';
import type { Mark } from '../../../lib/stores/channel.js';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import {
  ask,
  cached,
  evict,
  expectHit,
  expectNothing,
  fence,
  hit,
  messagesOf,
  placeOf,
  placesOf,
  poll,
} from './actions.js';

/** Tags that a separator, an escape or an encoding could confuse, each with parts that must stay another tag. */
const AWKWARD_TAGS: readonly (readonly [tag: string, ...others: string[]])[] = [
  ['a,b', 'a', 'b', 'a, b'],
  ['a|b', 'a', 'b'],
  ['100%', '100', '100%25'],
  ['%2c', ',', '%252c'],
  ['org:5', 'org', '5', 'org:'],
  ['line\nbreak', 'line', 'break', 'line\\nbreak'],
  ['ключ 😀', 'ключ', '😀', 'ключ '],
  ['~', '~~', ''],
  ['*', '**'],
  ['r:users', 'users'],
  ['t:a', 'a', 't:t:a'],
  [' ', '  '],
  ['nul\u0000x', 'nul', 'nulx'],
  ['"quoted"', 'quoted'],
  ['__proto__', 'proto'],
  ['{x}', 'x'],
  ['a'.repeat(500), 'a'.repeat(499)],
];

export const markTests: RemoteStoreTest[] = [
  ...(['t:a', 'r:users', '*'] as const).flatMap((mark): RemoteStoreTest[] => [
    {
      name: `the mark ${mark} voids the entries that carry it and were leased before, for everybody, with nothing stale`,
      async run(h) {
        const place = placeOf(h);
        await cached(h.stores[0], place, { tags: ['b', 'a'] });
        await h.stores[0].stamp({ bucket: place.key.bucket, marks: [mark] });
        await expectNothing(h.stores[1], place);
        expect(await ask(h.stores[0], place)).toMatchObject({ kind: 'held', stale: null });
      },
    },
    {
      name: `the mark ${mark} leaves entries that were leased after it`,
      async run(h) {
        const place = placeOf(h);
        await cached(h.stores[0], place, { tags: ['a'] });
        await h.stores[0].stamp({ bucket: place.key.bucket, marks: [mark] });
        await cached(h.stores[0], place, { tags: ['a'], payload: 'new' });
        await expectHit(h.stores[1], place, 'new');
      },
    },
    {
      name: `the mark ${mark} raises both sequences by one and sends its message`,
      async run(h) {
        const place = placeOf(h);
        const { bucket } = place.key;
        const before = await poll(h.stores[0], place);
        let stamp = 0;
        const messages = await messagesOf(h, async () => {
          const reply = await h.stores[0].stamp({ bucket, marks: [mark] });
          stamp = reply.stamp;
          expect(reply).toMatchObject({ incarnation: before.incarnation, sequence: before.sequence + 1 });
        });
        expect(stamp).toBeGreaterThan(before.stampClock);
        expect(messages).toEqual([
          { kind: 'mark', bucket, incarnation: before.incarnation, sequence: before.sequence + 1, mark, stamp },
        ]);
        expect(await h.stores[1].poll({ bucket, marks: [mark] })).toMatchObject({
          sequence: before.sequence + 1,
          markSequence: before.markSequence + 1,
          stampClock: stamp,
          stamps: [stamp],
        });
      },
    },
  ]),
  {
    name: 'a mark leaves the entries that do not carry it',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      await cached(h.stores[0], place, { tags: ['a', 'b'] });
      for (const mark of ['t:c', 't:', 't:ab', 't:a,b', 't:users', 't:*', 'r:a', 'r:user', 'r:usersx'] as const) {
        await h.stores[0].stamp({ bucket, marks: [mark] });
      }
      await expectHit(h.stores[1], place);
    },
  },
  {
    name: 'an entry is void when any one of its tags was stamped',
    async run(h) {
      const tags = ['a', 'b', 'c'];
      for (const tag of tags) {
        const place = placeOf(h, tag);
        await cached(h.stores[0], place, { tags });
        await h.stores[1].stamp({ bucket: place.key.bucket, marks: [`t:${tag}`] });
        await expectNothing(h.stores[0], place);
      }
    },
  },
  {
    name: 'stamps grow, and a mark set again voids what was leased in between',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const first = await h.stores[0].stamp({ bucket, marks: ['t:a'] });
      await cached(h.stores[0], place, { tags: ['a'] });
      const second = await h.stores[1].stamp({ bucket, marks: ['t:a'] });
      expect(second.stamp).toBeGreaterThan(first.stamp);
      await expectNothing(h.stores[0], place);
    },
  },
  {
    name: 'an entry carries a stamp greater than all marks before its lease, and not greater than those after',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const before = await h.stores[0].stamp({ bucket, marks: ['t:x'] });
      await cached(h.stores[0], place);
      const after = await h.stores[0].stamp({ bucket, marks: ['t:x'] });
      const { stamp } = await hit(h.stores[1], place);
      expect(stamp).toBeGreaterThan(before.stamp);
      expect(stamp).toBeLessThanOrEqual(after.stamp);
    },
  },
  {
    name: 'old marks stay in force when many others follow',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      await cached(h.stores[0], place, { tags: ['a'] });
      await h.stores[0].stamp({ bucket, marks: ['t:a'] });
      for (let n = 0; n < 60; n++) await h.stores[0].stamp({ bucket, marks: [`t:other${n}`] });
      await expectNothing(h.stores[1], place);
    },
  },
  ...AWKWARD_TAGS.map(([tag, ...others]): RemoteStoreTest => ({
    name: `the tag ${JSON.stringify(tag.length > 40 ? `${tag.slice(0, 8)}… of ${tag.length}` : tag)} comes back as it was and is no other tag`,
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const tags = ['first', tag, 'last'];
      await cached(h.stores[0], place, { tags });
      expect((await hit(h.stores[1], place)).tags).toEqual(tags);
      for (const other of others) await h.stores[0].stamp({ bucket, marks: [`t:${other}`] });
      await expectHit(h.stores[1], place);
      const messages = await messagesOf(h, () => h.stores[0].stamp({ bucket, marks: [`t:${tag}`] }));
      expect(messages).toMatchObject([{ kind: 'mark', mark: `t:${tag}` }]);
      const { stamps, stampClock } = await h.stores[1].poll({ bucket, marks: [`t:${tag}`] });
      expect(stamps).toEqual([stampClock]);
      await expectNothing(h.stores[1], place);
    },
  })),
  {
    name: 'an entry may carry a hundred tags',
    async run(h) {
      const place = placeOf(h);
      const tags = Array.from({ length: 100 }, (_, n) => `tag:${n}`);
      await cached(h.stores[0], place, { tags });
      expect((await hit(h.stores[0], place)).tags).toEqual(tags);
      await h.stores[0].stamp({ bucket: place.key.bucket, marks: ['t:tag:99'] });
      await expectNothing(h.stores[0], place);
    },
  },
  {
    name: 'poll gives the stamps of the marks as they were asked, 0 for those never set',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const region = await h.stores[0].stamp({ bucket, marks: ['r:users'] });
      const tag = await h.stores[0].stamp({ bucket, marks: ['t:users'] });
      const marks: Mark[] = ['t:users', 't:none', '*', 'r:users', 'r:none'];
      expect((await h.stores[1].poll({ bucket, marks })).stamps).toEqual([tag.stamp, 0, 0, region.stamp, 0]);
      const all = await h.stores[0].stamp({ bucket, marks: ['*'] });
      const reply = await h.stores[1].poll({ bucket, marks });
      expect(reply.stamps).toEqual([tag.stamp, 0, all.stamp, region.stamp, 0]);
      expect(reply.stampClock).toBe(all.stamp);
    },
  },
  {
    name: 'evictions, fences and fills leave the mark sequence and the stamp clock',
    async run(h) {
      const place = placeOf(h);
      await h.stores[0].stamp({ bucket: place.key.bucket, marks: ['t:x'] });
      const before = await poll(h.stores[0], place);
      await cached(h.stores[0], place, { tags: ['x'] });
      await evict(h.stores[0], place);
      await fence(h.stores[0], place);
      const after = await poll(h.stores[0], place);
      expect(after).toMatchObject({ markSequence: before.markSequence, stampClock: before.stampClock });
    },
  },
  {
    name: 'a mark leaves leases and fences: they are judged when they are used',
    async run(h) {
      const [leased, fenced] = placesOf(h, 2);
      await ask(h.stores[0], leased!);
      await fence(h.stores[0], fenced!);
      await h.stores[1].stamp({ bucket: leased!.key.bucket, marks: ['*'] });
      expect(await ask(h.stores[1], leased!)).toMatchObject({ kind: 'held' });
      expect(await ask(h.stores[1], fenced!)).toMatchObject({ kind: 'fenced' });
    },
  },
];
