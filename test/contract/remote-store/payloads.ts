import { expect } from '@jest/globals';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import { cached, hit, placeOf, standing } from './actions.js';

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

const PAYLOADS: Record<string, string | Buffer> = {
  'an empty text': '',
  'a text of one newline': '\n',
  'a text of several lines': '{"a":1}\n{"b":2}\r\n\r',
  'a text that looks like metadata': '1 ~s5 ~i9 ~x0 | , % : {x}\n~tg a,b\n',
  'a text with characters of every length': 'aßключ漢字😀\u0000\u007f\u2028',
  'a text of 1 MB': '{"€":"' + 'x€'.repeat(262_144) + '"}',
  'no bytes': Buffer.alloc(0),
  'every byte': EVERY_BYTE,
  'bytes that begin like a text': Buffer.concat([Buffer.from('1 2 3\n\n'), EVERY_BYTE]),
  '1 MB of bytes': Buffer.from(Array.from({ length: 1 << 20 }, (_, n) => (n * 31 + (n >> 8)) & 0xff)),
};

const FORMATS = ['json', 'msgpack', 'json {"Date":[["a","b"]],"x":"~ | , % :"}', 'json ключ 😀', 'json  two  spaces '];

export const payloadTests: RemoteStoreTest[] = [
  ...Object.entries(PAYLOADS).map(([what, payload]): RemoteStoreTest => ({
    name: `${what} comes back as it was`,
    async run(h) {
      const binary = typeof payload !== 'string';
      await cached(h.stores[0], placeOf(h), { payload, format: binary ? 'msgpack' : 'json', tags: ['a'] });
      const [store] = h.stores;
      for (const entry of [await hit(h.stores[1], placeOf(h), binary), await standing(store, placeOf(h), binary)]) {
        expect(entry).toMatchObject({ format: binary ? 'msgpack' : 'json', tags: ['a'] });
        const found = entry!.payload;
        expect(Buffer.isBuffer(found)).toBe(binary);
        expect(found.length).toBe(payload.length);
        expect(Buffer.from(found as string).equals(Buffer.from(payload as string))).toBe(true);
      }
    },
  })),
  {
    name: 'bytes that are read as text keep all but themselves, and are there for who reads bytes',
    async run(h) {
      const format = 'br+1000 json {"at":"D"}';
      await cached(h.stores[0], placeOf(h), { payload: EVERY_BYTE, format, tags: ['a'], version: '7' });
      for (const entry of [await hit(h.stores[1], placeOf(h)), await standing(h.stores[0], placeOf(h))]) {
        expect(entry).toMatchObject({ format, tags: ['a'], version: '7' });
        expect(typeof entry!.payload).toBe('string');
      }
      expect(EVERY_BYTE.equals((await hit(h.stores[1], placeOf(h), true)).payload as Buffer)).toBe(true);
    },
  },
  {
    name: 'a format comes back character by character',
    async run(h) {
      for (const [n, format] of FORMATS.entries()) {
        await cached(h.stores[0], placeOf(h, `${n}`), { format });
        expect((await hit(h.stores[1], placeOf(h, `${n}`))).format).toBe(format);
      }
    },
  },
  {
    name: 'a version of 40 digits comes back as it was',
    async run(h) {
      const version = '9876543210'.repeat(4);
      await cached(h.stores[0], placeOf(h), { version });
      expect((await hit(h.stores[1], placeOf(h))).version).toBe(version);
    },
  },
  {
    name: 'bytes belong to the store: changing those that were given, or those that were got, changes no entry',
    async run(h) {
      const payload = Buffer.from(EVERY_BYTE);
      await cached(h.stores[0], placeOf(h), { payload });
      payload.fill(0);
      for (const read of [hit, standing, hit, standing]) {
        const found = (await read(h.stores[0], placeOf(h), true))!.payload as Buffer;
        expect(EVERY_BYTE.equals(found)).toBe(true);
        found.fill(0);
      }
    },
  },
  {
    name: 'tags belong to the store: changing the list that was given changes no entry',
    async run(h) {
      const tags = ['a', 'b'];
      await cached(h.stores[0], placeOf(h), { tags });
      tags.length = 0;
      expect(await hit(h.stores[1], placeOf(h))).toMatchObject({ tags: ['a', 'b'] });
    },
  },
];
