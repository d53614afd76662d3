import { describe, expect, it, jest } from '@jest/globals';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { RedisCacheOptions } from '../../../lib/options/redis-cache-options.js';

const resolve = (options: object, warn?: (message: string) => void) =>
  resolveOptions({ service: 'user', ...options } as RedisCacheOptions, warn ? { warn } : {});

describe('resolveOptions', () => {
  it('fills in every default', () => {
    expect(resolve({})).toMatchObject({
      name: 'default',
      service: 'user',
      redis: null,
      l1: { maxEntries: 10_000, maxBytes: 64 * 1024 ** 2, maxAgeMs: 1_000 },
      maxKeyLength: 200,
      reads: 'plain',
      commandTimeoutMs: 250,
      onEvictFailure: 'journal',
      onFenceFailure: 'refuse',
      buckets: 256,
      defaults: {
        ttlMs: 300_000,
        jitterRatio: 0.1,
        negativeTtlMs: null,
        staleWhileRevalidateMs: 0,
        staleIfErrorMs: 0,
        codec: 'json',
        attribute: 'json',
        shape: 1,
        l1: true,
        leaseMs: 10_000,
        maxWaitMs: 5_000,
        fenceMs: 30_000,
        tombstoneMs: 600_000,
        maxValueBytes: 1024 ** 2,
        compressFrom: 64 * 1024,
        mutable: false,
        type: null,
        schema: null,
      },
    });
  });

  it('turns compression off for a cache or a region', () => {
    const { regions, defaults } = resolve({
      compressFrom: false,
      regions: { big: { compressFrom: 4_096 }, other: {} },
    });
    expect([defaults, regions.get('big'), regions.get('other')].map((one) => one!.compressFrom)).toEqual([
      false,
      4_096,
      false,
    ]);
  });

  it('gives a region the options of the cache where it states none', () => {
    const { regions, defaults } = resolve({
      ttl: '1m',
      staleIfError: '1h',
      regions: { profile: { ttl: '10m', jitter: undefined, attribute: 'v2' }, plain: {} },
    });
    expect(defaults).toMatchObject({ ttlMs: 60_000, staleIfErrorMs: 3_600_000 });
    expect(regions.get('profile')).toMatchObject({
      ttlMs: 600_000,
      staleIfErrorMs: 3_600_000,
      jitterRatio: 0.1,
      attribute: 'v2',
    });
    expect(regions.get('plain')).toMatchObject({ ttlMs: 60_000, attribute: 'json' });
  });

  it('remembers what a region states itself, apart from defaults', () => {
    const { regions, defaults } = resolve({ ttl: '1m', regions: { profile: { jitter: 0.2 } } });
    expect(regions.get('profile')!.stated).toEqual({ jitter: 0.2 });
    expect(defaults.stated).toEqual({});
  });

  it('takes L1 away from every region when the cache has none, and from one that asks for it', () => {
    expect(resolve({ l1: false, regions: { a: {} } })).toMatchObject({ l1: null, defaults: { l1: false } });
    expect(resolve({ l1: false, regions: { a: {} } }).regions.get('a')!.l1).toBe(false);
    expect(resolve({ regions: { a: { l1: false }, b: {} } }).regions.get('a')!.l1).toBe(false);
    expect(resolve({ regions: { a: { l1: false }, b: {} } }).regions.get('b')!.l1).toBe(true);
  });

  it('returns frozen options', () => {
    const options = resolve({ regions: { a: {} } });
    for (const part of [options, options.defaults, options.l1, options.regions.get('a')]) expect(part).toBeFrozen();
  });

  it("hands the application's client on as it is, neither frozen nor copied", () => {
    const client = { sendCommand() {}, duplicate() {}, disconnect() {}, options: {}, status: 'ready' };
    expect(resolve({ redis: client }).redis).toBe(client);
    const redis = { client };
    expect(resolve({ redis }).redis).toBe(redis);
    expect(client).not.toBeFrozen();
    expect(redis).not.toBeFrozen();
  });

  it('keeps a codec object as it is', () => {
    const codec = { id: 'upper', binary: false, encode() {}, decode() {} };
    expect(resolve({ codec }).defaults.codec).toBe(codec);
  });

  it.each([
    ['lease', '24d', '24.1d'],
    ['lease', '24d', '30d'],
    ['maxWait', '24d', '25d'],
    ['fence', '24d', '25d'],
    ['commandTimeout', '1h', '7d'],
  ])('refuses a %s of more than %s, which no timer could count: %s', (option, most, value) => {
    expect(() => resolve({ [option]: most })).not.toThrow();
    expect(() => resolve({ [option]: value })).toThrow(
      `${option} must be ${most} at most, got ${JSON.stringify(value)}. [RC_INVALID_OPTION]`,
    );
  });

  it('refuses such a duration of a region and of L1 as well', () => {
    expect(() => resolve({ regions: { a: { lease: '30d' } } })).toThrow('regions.a.lease must be 24d at most');
    expect(() => resolve({ l1: { maxAge: '30d' } })).toThrow('l1.maxAge must be 24d at most');
  });

  it('warns of a ttl that is probably meant in seconds', () => {
    const warn = jest.fn<(message: string) => void>();
    resolve({ ttl: 60, regions: { a: { ttl: 999 }, b: { ttl: 1_000 }, c: { ttl: '60ms' } } }, warn);
    expect(warn.mock.calls).toEqual([
      [`ttl is 60 milliseconds. If seconds were meant, write '60s'; if not, '60ms' says so.`],
      [`regions.a.ttl is 999 milliseconds. If seconds were meant, write '999s'; if not, '999ms' says so.`],
    ]);
  });

  it.each([1_200, 1_800, 3_600, 7_200, 86_400, 604_800])('warns of %i, whole minutes when read as seconds', (ttl) => {
    const warn = jest.fn<(message: string) => void>();
    resolve({ ttl }, warn);
    expect(warn.mock.calls).toEqual([
      [`ttl is ${ttl} milliseconds. If seconds were meant, write '${ttl}s'; if not, '${ttl}ms' says so.`],
    ]);
  });

  it.each([1_000, 1_234, 1_500, 2_500, 4_500, 30_000, 60_000, 90_000, 300_000, 3_600_000, 86_400_000])(
    'does not warn of %i, which milliseconds are likely to be',
    (ttl) => {
      const warn = jest.fn<(message: string) => void>();
      resolve({ ttl }, warn);
      expect(warn).not.toHaveBeenCalled();
    },
  );

  it.each<[string, object, string]>([
    ['an unknown option', { tll: '5m' }, 'tll is not an option, got "5m". Did you mean "ttl"?'],
    [
      'an unknown option of a region',
      { regions: { p: { Codec: 'json' } } },
      'regions.p.Codec is not an option, got "json". Did you mean "codec"?',
    ],
    [
      'an unknown option of L1',
      { l1: { maxEntry: 5 } },
      'l1.maxEntry is not an option, got 5. Did you mean "maxEntries"?',
    ],
    ['an unknown option like no other', { zzzzzz: 1 }, 'zzzzzz is not an option, got 1. Known are: ttl, '],
    ['an infinite ttl', { ttl: Infinity }, 'ttl must be a duration, got Infinity. A duration is always finite'],
    ['a ttl of null', { ttl: null }, 'ttl must be a duration, got null.'],
    ['a ttl of 0', { ttl: 0 }, 'ttl must be longer than 0 (`unless` and `condition` leave'],
    ['a negative ttl', { ttl: -1 }, 'ttl must be a duration, got -1.'],
    ['a ttl of NaN', { ttl: NaN }, 'ttl must be a duration, got NaN.'],
    [
      'a ttl in words',
      { regions: { p: { ttl: '5 minutes' } } },
      'regions.p.ttl must be a duration, got "5 minutes". Write',
    ],
    ['a jitter over 1', { jitter: 10 }, 'jitter must be a number from 0 to 1, got 10.'],
    [
      'a switch in text',
      { enabled: 'false' },
      `enabled must be true or false, got "false". It is a text, as of an environment variable: write text === 'true'.`,
    ],
    ['a number in text', { jitter: '0.2' }, 'got "0.2". It is a text, as of an environment variable: write Number('],
    [
      'a count in text',
      { maxValueBytes: '10' },
      'got "10". It is a text, as of an environment variable: write Number(',
    ],
    ['a jitter in text', { jitter: '10%' }, 'jitter must be a number from 0 to 1, got "10%".'],
    ['an infinite maxAge', { l1: { maxAge: Infinity } }, 'l1.maxAge must be a duration, got Infinity.'],
    ['an L1 of 0 entries', { l1: { maxEntries: 0 } }, 'l1.maxEntries must be a whole number >= 1, got 0.'],
    ['an L1 of true', { l1: true }, 'l1 must be false, or { maxEntries, maxBytes, maxAge }, got true.'],
    [
      'a region with an L1 of its own',
      { regions: { p: { l1: {} } } },
      'regions.p.l1 must be false, or left out, got an object',
    ],
    ['a codec that is none', { codec: 'xml' }, `codec must be 'json', 'msgpack', or a codec {`],
    ['a codec without decode', { codec: { id: 'x', binary: false, encode() {} } }, 'codec must be '],
    ['a service with a separator', { service: 'a:b' }, 'service must be 1 to 100 letters'],
    ['an empty service', { service: '' }, 'service must be 1 to 100 letters'],
    ['a region with a separator', { regions: { 'a{b': {} } }, 'The name of a region must be 1 to 100 letters'],
    ['a shape that is no count', { regions: { a: { shape: 0 } } }, 'regions.a.shape must be a whole number >= 1'],
    ['an attribute with a separator', { regions: { a: { attribute: '~x' } } }, 'regions.a.attribute must be 1 to 100'],
    ['a schema that is none', { regions: { a: { schema: {} } } }, 'regions.a.schema must be a Standard Schema'],
    [
      'a type that is none',
      { regions: { a: { type: 'User' } } },
      'regions.a.type must be a class of yours, [User], { items: [User] }, instanceOf(User, { … }), a function of the plain value, or \'plain\' (Date, Map, Set and bytes come back by themselves), got "User".',
    ],
    [
      'a type of the language',
      { regions: { a: { type: Date } } },
      "regions.a.type must be a class of yours, [User], { items: [User] }, instanceOf(User, { … }), a function of the plain value, or 'plain' (Date, Map, Set and bytes come back by themselves), got a function (Date).",
    ],
    [
      'regions in an array',
      { regions: [{}] },
      'regions must be an object of region options by name, got an array of 1.',
    ],
    ['a region that is none', { regions: { p: null } }, 'regions.p must be an object of region options, got null.'],
    ...['constructor', 'prototype', '__proto__'].map((name): [string, object, string] => [
      `an unknown option of a region named ${name}`,
      { regions: JSON.parse(`{"${name}":{"tll":5}}`) as object },
      `regions.${name}.tll is not an option, got 5. Did you mean "ttl"?`,
    ]),
    ['a way of reading that is none', { reads: 'fast' }, `reads must be 'plain' or 'function', got "fast".`],
    ['a fraction of a byte', { maxValueBytes: 0.5 }, 'maxValueBytes must be a whole number >= 1, got 0.5.'],
    [
      'a size that is text',
      { compressFrom: '16kb' },
      'compressFrom must be false, or a whole number >= 1, got "16kb".',
    ],
    ['no size', { regions: { p: { compressFrom: true } } }, 'regions.p.compressFrom must be false, or a whole number'],
    ['no bucket', { buckets: 0 }, 'buckets must be a whole number from 2 to 16384, got 0.'],
  ])('refuses %s', (_case, options, message) => {
    expect(() => resolve(options)).toThrow(expect.objectContaining({ code: 'RC_INVALID_OPTION' }));
    expect(() => resolve(options)).toThrow(message);
  });

  it('asks for the service when it is missing, and names a misspelt one instead', () => {
    expect(() => resolveOptions({} as never)).toThrow('service is missing. Give the name of the service');
    expect(() => resolveOptions({ servce: 'user' } as never)).toThrow(
      'servce is not an option, got "user". Did you mean "service"?',
    );
  });

  it.each([undefined, null, 'redis://x', 5, []])('refuses %p as options', (options) => {
    expect(() => resolveOptions(options as never)).toThrow(expect.objectContaining({ code: 'RC_INVALID_OPTION' }));
  });

  it('shows no password of a URL in a wrong place', () => {
    const message = 'rediss is not an option, got "redis://…@host". Did you mean "redis"?';
    expect(() => resolve({ rediss: `redis://user:${'hunter2'.repeat(9)}@host` })).toThrow(message);
  });

  it('refuses a cache name with a separator', () => {
    expect(() => resolveOptions({ service: 'a' }, { name: 'x:y' })).toThrow('name must be 1 to 100');
  });

  it.each(['constructor', 'prototype', '__proto__'])('keeps a region named %s like any other', (name) => {
    const { defaults, regions } = resolve({ regions: JSON.parse(`{"${name}":{"ttl":5}}`) as object });
    expect(regions.get(name)!.ttlMs).toBe(5);
    expect(defaults.ttlMs).toBe(300_000);
    expect(({} as { ttl?: unknown }).ttl).toBeUndefined();
  });
});

expect.extend({
  toBeFrozen: (value: unknown) => ({ pass: Object.isFrozen(value), message: () => 'expected a frozen object' }),
});

declare module 'expect' {
  interface Matchers<R> {
    toBeFrozen(): R;
  }
}
