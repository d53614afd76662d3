import { expect } from '@jest/globals';
import { type LocalEntry, type LocalStore, VOID } from '../../lib/stores/local-store.js';
import { type ContractTest, describeContract } from './contract-test.js';

export interface LocalStoreHarness {
  open(bounds: { maxEntries: number; maxBytes: number }): LocalStore;
  /** What the driver counts for an entry besides `entry.bytes`, at most. */
  readonly overheadBytes: number;
  close(): Promise<void>;
}

const ROOMY = { maxEntries: 100, maxBytes: 1_000_000 };

const aLocalEntry = (entry: Partial<LocalEntry> = {}): LocalEntry => ({
  value: Object.freeze({ name: 'Ada' }),
  answer: null,
  revive: null,
  shape: LOCAL_SHAPE,
  region: 'users',
  sequence: 1,
  stamp: 1,
  tags: [],
  freshUntilMs: 1_000,
  epoch: 0,
  marksSeen: 0,
  at: 1,
  usedAt: 0,
  bytes: 100,
  early: null,
  ...entry,
});
const LOCAL_SHAPE = {};

export const localStoreTests: readonly ContractTest<LocalStoreHarness>[] = [
  {
    name: 'get and peek give the very entry that was put, by reference',
    async run(h) {
      const store = h.open(ROOMY);
      const entry = aLocalEntry();
      store.put('a', entry);
      expect(store.get('a')).toBe(entry);
      expect(store.peek('a')).toBe(entry);
      expect(store.get('a:b')).toBeUndefined();
      expect(store.peek('')).toBeUndefined();
    },
  },
  {
    name: 'a put replaces what stood there, and the counts follow',
    async run(h) {
      const store = h.open(ROOMY);
      store.put('a', aLocalEntry({ bytes: 500 }));
      const before = store.bytes;
      const second = aLocalEntry({ bytes: 200 });
      store.put('a', second);
      expect(store.get('a')).toBe(second);
      expect(store.size).toBe(1);
      expect(store.bytes).toBe(before - 300);
      expect(store.replacements).toBe(0);
    },
  },
  {
    name: 'delete removes one key, clear removes all, and neither counts as replacement',
    async run(h) {
      const store = h.open(ROOMY);
      for (const key of ['a', 'b', 'c']) store.put(key, aLocalEntry());
      store.delete('a');
      store.delete('never');
      expect([store.peek('a'), store.size]).toEqual([undefined, 2]);
      expect(store.peek('b')).toBeDefined();
      store.clear();
      expect([store.size, store.bytes, store.replacements]).toEqual([0, 0, 0]);
      expect(store.get('b')).toBeUndefined();
      store.put('b', aLocalEntry());
      expect(store.size).toBe(1);
    },
  },
  {
    name: 'over maxEntries the entry that was used least recently goes; get counts as use',
    async run(h) {
      const store = h.open({ ...ROOMY, maxEntries: 3 });
      for (const key of ['a', 'b', 'c']) store.put(key, aLocalEntry());
      store.get('a');
      store.put('d', aLocalEntry());
      expect(['a', 'b', 'c', 'd'].filter((key) => store.peek(key))).toEqual(['a', 'c', 'd']);
      expect(store.replacements).toBe(1);
    },
  },
  {
    name: 'use counts as use, late by at most a sixteenth of what is held',
    async run(h) {
      const few = h.open({ ...ROOMY, maxEntries: 3 });
      for (const key of ['a', 'b', 'c']) few.put(key, aLocalEntry());
      few.use('a', few.peek('a')!);
      few.put('d', aLocalEntry());
      expect(['a', 'b', 'c', 'd'].filter((key) => few.peek(key))).toEqual(['a', 'c', 'd']);

      const many = h.open({ ...ROOMY, maxEntries: 64 });
      many.put('used', aLocalEntry());
      const used = many.get('used')!;
      for (let n = 0; n < 1_000; n++) {
        many.put(`k${n}`, aLocalEntry());
        many.use('used', used);
      }
      expect(many.peek('used')).toBe(used);
      for (let n = 0; n < 59; n++) many.put(`l${n}`, aLocalEntry());
      expect(many.peek('used')).toBe(used);
    },
  },
  {
    name: 'what it lets go of is void, and holds no value',
    async run(h) {
      const store = h.open({ maxEntries: 2, maxBytes: 10_000 });
      const put = (key: string, bytes = 100) => {
        const entry = aLocalEntry({ answer: Promise.resolve(1), revive: () => 1, bytes });
        store.put(key, entry);
        return entry;
      };
      const gone = [put('replaced')];
      put('replaced');
      gone.push(put('displaced'));
      store.get('replaced');
      gone.push(put('deleted'));
      store.delete('deleted');
      gone.push(put('outgrown'));
      put('outgrown', 10_001);
      const held = put('cleared');
      expect([held.epoch, held.revive?.()]).toEqual([0, 1]);
      store.clear();
      for (const { epoch, value, answer, revive } of [...gone, held]) {
        expect({ epoch, value, answer, revive }).toEqual({ epoch: VOID, value: undefined, answer: null, revive: null });
      }
    },
  },
  {
    name: 'peek does not count as use',
    async run(h) {
      const store = h.open({ ...ROOMY, maxEntries: 2 });
      store.put('a', aLocalEntry());
      store.put('b', aLocalEntry());
      store.peek('a');
      store.put('c', aLocalEntry());
      expect(['a', 'b', 'c'].filter((key) => store.peek(key))).toEqual(['b', 'c']);
    },
  },
  {
    name: 'the bytes never exceed maxBytes',
    async run(h) {
      const store = h.open({ maxEntries: 1_000, maxBytes: 20_000 });
      for (let n = 0; n < 200; n++) {
        store.put(`k${n}`, aLocalEntry({ bytes: (n * 37) % 3_000 }));
        expect(store.bytes).toBeLessThanOrEqual(20_000);
      }
      expect(store.peek('k199')).toBeDefined();
      expect(store.size).toBeGreaterThan(3);
      expect(store.replacements).toBe(200 - store.size);
    },
  },
  {
    name: 'the bytes count at least what the entries say',
    async run(h) {
      const store = h.open(ROOMY);
      for (let n = 0; n < 10; n++) store.put(`k${n}`, aLocalEntry({ bytes: 1_000 }));
      expect(store.bytes).toBeGreaterThanOrEqual(10_000);
      expect(store.bytes).toBeLessThanOrEqual(10_000 + 10 * h.overheadBytes);
    },
  },
  {
    name: 'an entry larger than maxBytes is not kept, and removes what stood there',
    async run(h) {
      const store = h.open({ maxEntries: 100, maxBytes: 10_000 });
      store.put('other', aLocalEntry());
      store.put('a', aLocalEntry());
      store.put('a', aLocalEntry({ bytes: 10_001 }));
      expect(store.get('a')).toBeUndefined();
      expect(store.peek('other')).toBeDefined();
      expect(store.size).toBe(1);
    },
  },
  {
    name: 'no call throws, whatever bytes an entry claims',
    async run(h) {
      const store = h.open(ROOMY);
      for (const [n, bytes] of [0, 0.5, -1, -1e9, NaN, Infinity, Number.MAX_VALUE].entries()) {
        store.put(`k${n}`, aLocalEntry({ bytes }));
        expect(store.bytes).toBeLessThanOrEqual(ROOMY.maxBytes);
        expect(store.bytes).toBeGreaterThanOrEqual(0);
      }
      store.put('k', aLocalEntry());
      expect(store.get('k')).toBeDefined();
    },
  },
  {
    name: 'keys may be any text',
    async run(h) {
      const store = h.open(ROOMY);
      const keys = ['', ' ', '__proto__', 'constructor', 'a', 'a\u0000b', '😀', 'x'.repeat(9_999), 'x'.repeat(10_000)];
      const entries = keys.map(() => aLocalEntry());
      keys.forEach((key, n) => store.put(key, entries[n]!));
      keys.forEach((key, n) => expect(store.get(key)).toBe(entries[n]));
      keys.forEach((key, n) => expect(store.peek(key)).toBe(entries[n]));
    },
  },
];

export function describeLocalStore(driver: string, open: () => Promise<LocalStoreHarness>): void {
  describeContract(`LocalStore contract: ${driver}`, localStoreTests, open);
}
