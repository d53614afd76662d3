import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { Keyspace } from '../../lib/keys/keyspace.js';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import {
  ask,
  aToken,
  cached,
  evict,
  expectHit,
  fence,
  fill,
  lease,
  put,
  type Place,
  softEvict,
  unfence,
} from '../contract/remote-store/actions.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { waitUntil } from '../support/servers/processes.js';
import { sharedRedis } from '../support/servers/redis.js';

let redis: Awaited<ReturnType<typeof sharedRedis>>;
let admin: Redis;
let one: OpenedStore;
let store: RemoteStore;
let place: Place;
let names: { V: string; S: string; M: string; G: string };
let services = 0;

beforeAll(async () => {
  redis = await sharedRedis();
  admin = new Redis(redis.url);
});
afterAll(async () => {
  admin.disconnect();
  await redis.release();
});
beforeEach(async () => {
  one = await openRedisStore({ url: redis.url }, { service: `foreign${process.pid}x${(services += 1)}` });
  store = one.store;
  place = { key: one.keyspace.key('profile', '1', 'json'), region: 'profile' };
  const V = place.key.entry;
  names = { V, S: Keyspace.sideKey(V), M: one.keyspace.bucketKey(0), G: one.keyspace.collectKey(0) };
});
afterEach(async () => {
  await one.close();
  const keys = await admin.keys(`${place.key.entry.split(':')[0]}:*`);
  if (keys.length > 0) await admin.del(keys);
});

const read = async (binary = false) => store.read({ ...place, binary });
const header = (s: string, rest = '1790000300000000|1|||json\n{}') => `1|${s}|${rest}`;

describe('at the place of a value', () => {
  it.each<[string, string | Buffer]>([
    ['JSON of another program', '{"a":1}'],
    ['an empty string', ''],
    ['bytes', Buffer.from([0, 1, 2, 255, 10, 13])],
    ['a header cut short', '1|5|179000'],
    ['a header without payload or end', header('5', '1790000300000000|1790000300000000|1|||json')],
    ['numbers that are none', header('x')],
    ['numbers out of range', header('99999999999999999999999')],
    ['a later format', '2|5|1|1|1|||json\n{}'],
    ['a header that never ends', `1|5|1|1|1||${'a'.repeat(200_000)}`],
  ])('%s is foreign to a plain read, a miss to a function, and gives way to a fill', async (_, bytes) => {
    await admin.set(names.V, bytes);
    expect(await read()).toMatchObject({ entry: null, foreign: true });
    expect(await read(true)).toMatchObject({ entry: null, foreign: true });
    expect(await ask(store, place, { token: 'a' })).toMatchObject({ kind: 'lease', stale: null });
    expect(await fill(store, place, 'a', { payload: 'ours' })).toMatchObject({ kind: 'filled' });
    await expectHit(store, place, 'ours');
  });

  it.each([
    ['a list', 'lpush'],
    ['a set', 'sadd'],
  ] as const)(
    '%s is foreign to a plain read, a miss to a function, and gives way to every write',
    async (_, command) => {
      const plant = async () => {
        await admin.del(names.V);
        await admin[command](names.V, 'x');
      };
      await plant();
      expect(await read()).toMatchObject({ entry: null, foreign: true });
      await cached(store, place);
      await expectHit(store, place);
      for (const action of [
        () => evict(store, place),
        () => evict(store, place, '7'),
        () => softEvict(store, place),
        () => fence(store, place),
        () => unfence(store, place, aToken()),
        () => put(store, place, { version: '9' }),
      ]) {
        await plant();
        await action();
        expect(await admin.exists(names.V)).toBe(0);
      }
    },
  );

  it('a truncated payload is given as it is: the codec decides', async () => {
    await cached(store, place, { payload: '{"name":"Ada"}' });
    const whole = (await admin.get(names.V))!;
    await admin.set(names.V, whole.slice(0, -5), 'EX', 100);
    expect(await read()).toMatchObject({ foreign: false, entry: { payload: '{"name":"' } });
  });

  it('an entry of another incarnation, or of a stamp that was never given, is no hit of a function', async () => {
    await cached(store, place);
    const whole = (await admin.get(names.V))!;
    await admin.set(names.V, whole.replace(/^1\|(\d+)\|\d+/, '1|$1|5'));
    expect(await ask(store, place)).toMatchObject({ kind: 'lease', stale: null });
  });
});

describe('at the other keys', () => {
  it.each(['S', 'M', 'G'] as const)('another type at %s gives way, and every operation works', async (which) => {
    const plant = async () => {
      await admin.del(names[which]);
      await admin.lpush(names[which], 'x');
    };
    const actions: (() => Promise<unknown>)[] = [
      () => cached(store, place),
      () => ask(store, place),
      () => read(),
      () =>
        store.fill({
          ...place,
          token: aToken(),
          payload: 'x',
          format: 'json',
          ttlMs: 5,
          staleMs: 5,
          tags: ['a'],
          loadMicros: 1,
          version: '1',
        }),
      () => evict(store, place),
      () => softEvict(store, place),
      () => fence(store, place),
      () => put(store, place, { fence: 'none' }),
      () => put(store, place, { version: '3' }),
      () => unfence(store, place, 'none'),
      () => store.release({ key: place.key, token: 'none' }),
      () => store.renew({ key: place.key, token: 'none', leaseMs: 5, keepMs: 5 }),
      () => store.stamp({ bucket: 0, marks: ['t:a'] }),
      () => store.poll({ bucket: 0, marks: ['t:a'] }),
    ];
    for (const action of actions) {
      await plant();
      await action();
    }
    await unfence(store, place, 'none');
    await admin.del(names.M);
    await cached(store, place, { payload: 'works' });
    await expectHit(store, place, 'works');
  });

  it('a list at M makes a plain read unidentified, never a hit', async () => {
    await cached(store, place);
    await admin.del(names.M);
    await admin.lpush(names.M, 'x');
    expect(await read()).toMatchObject({ identified: false, position: null });
  });

  it.each(['i', 'q', 'tq', 'c'])('a damaged %s of M empties the bucket, and it works again', async (field) => {
    await cached(store, place);
    await admin.hset(names.M, field, 'nonsense');
    if (field !== 'c') expect(await read()).toMatchObject({ identified: false, position: null });
    expect(await ask(store, place, { token: 'a' })).toMatchObject({ kind: 'lease', stale: null });
    expect(await fill(store, place, 'a', { payload: 'again' })).toMatchObject({ kind: 'filled' });
    await expectHit(store, place, 'again');
  });

  it('a damaged stamp voids what carries it, until it is stamped anew', async () => {
    await cached(store, place, { tags: ['a'] });
    await store.stamp({ bucket: 0, marks: ['t:other'] });
    await admin.hset(names.M, 't:a', 'nonsense');
    expect(await ask(store, place)).toMatchObject({ kind: 'lease', stale: null });
    await evict(store, place);
    await store.stamp({ bucket: 0, marks: ['t:a'] });
    await cached(store, place, { tags: ['a'] });
    await expectHit(store, place);
  });

  it('a damaged field of fences stands for none', async () => {
    await admin.hset(names.M, `f:${names.V}`, 'nonsense|a,b');
    await cached(store, place);
    await expectHit(store, place);
  });

  /** S as the functions pack it: lx, ls, li, tx, till. */
  const record = (numbers: readonly number[], rest: string, { first = 7, awaited = 0 } = {}) => {
    const fixed = Buffer.alloc(42);
    fixed.writeUInt8(first);
    numbers.forEach((number, n) => fixed.writeDoubleLE(number, 1 + 8 * n));
    fixed.writeUInt8(awaited, 41);
    return Buffer.concat([fixed, Buffer.from(rest)]);
  };
  const LATE = 4e15;
  /** Held by x for long. */
  const HELD = [LATE, 1, 1, -1, LATE];

  it('a lease record as the functions write it is held by its token', async () => {
    await admin.set(names.S, record(HELD, '|x'));
    expect(await ask(store, place)).toMatchObject({ kind: 'held' });
  });

  it.each<[string, string | Buffer]>([
    ['an empty string', ''],
    ['text', 'x'],
    ['the first byte alone', '\u0007'],
    ['the record of version 6', '9999999999999999|1|1||||9999999999999999|x'],
    ['a record cut short', record(HELD, '|x').subarray(0, 42)],
    ['another first byte', record(HELD, '|x', { first: 8 })],
    ['an end of the lease that is no number', record([NaN, 1, 1, -1, LATE], '|x')],
    ['an endless lease', record([Infinity, 1, 1, -1, LATE], '|x')],
    ['a stamp below nought', record([LATE, -1, 1, -1, LATE], '|x')],
    ['an incarnation with a fraction', record([LATE, 1, 1.5, -1, LATE], '|x')],
    ['numbers too large to be exact', record([2 ** 60, 1, 1, -1, LATE], '|x')],
    ['an expiry of nought', record([LATE, 1, 1, -1, 0], '|x')],
    ['a version that is none', record(HELD, 'v1|x')],
    ['neither version nor token', record(HELD, '')],
    ['bytes', Buffer.alloc(60, 7)],
  ])('a lease record that is none (%s) is taken over, and holds nothing', async (_, bytes) => {
    await admin.set(names.S, bytes);
    const token = await lease(store, place);
    expect(await fill(store, place, token)).toMatchObject({ kind: 'filled' });
    expect(await admin.exists(names.S)).toBe(0);
  });

  it('the lease record of version 5 of the functions is none', async () => {
    await admin.hset(names.S, { lt: 'x', lx: '9999999999999999', ls: '1', li: '1', tv: '7' });
    expect(await fill(store, place, 'x')).toMatchObject({ kind: 'refused', reason: 'lease' });
    await lease(store, place);
  });
});

describe('on the channel', () => {
  it('what cannot be understood is counted and dropped', async () => {
    const channel = one.keyspace.channelOf(0);
    const before = one.messages.length;
    for (const text of [
      '',
      'user:profile:9876',
      '0|1|2|E|',
      '7|1|2|E|a',
      '0|9007199254740991|1|F|',
      '{"type":"x"}',
      'x'.repeat(100_000),
    ]) {
      await admin.publish(channel, text);
    }
    await admin.publish(channel, '0|7|-|W|end');
    const end = { kind: 'wake', bucket: 0, entry: 'end' };
    await waitUntil(() => one.messages.some((message) => message.kind === 'wake' && message.entry === 'end'));
    expect(one.messages.slice(before)).toEqual([end]);
    expect(one.channel.malformed).toBe(7);
    expect((await store.poll({ bucket: 0, marks: [] })).incarnation).toBeLessThan(2 ** 52);
  });
});
