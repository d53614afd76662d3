import { describe, expect, it } from '@jest/globals';
import type { CacheRegistry } from '../../../lib/application/cache-registry.js';
import type { CacheEngine } from '../../../lib/cache/cache-engine.js';
import { RedisCache } from '../../../lib/cache/redis-cache.js';
import type { Region } from '../../../lib/cache/region.js';
import { callStepsOf } from '../../../lib/interception/call-steps.js';
import { notifyRegions } from '../../../lib/interception/region-notices.js';
import { CacheConfig } from '../../../lib/operations/cache-config.decorator.js';
import { CacheEvict } from '../../../lib/operations/cache-evict.decorator.js';
import { CachePut } from '../../../lib/operations/cache-put.decorator.js';
import { Cacheable } from '../../../lib/operations/cacheable.decorator.js';
import type { AnyFunction } from '../../../lib/operations/method-types.js';
import { methodsOf } from '../../../lib/operations/operation-metadata.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { partly } from '../../support/partly.js';

/** Caches that note which regions were asked for, and of which it was said that they use tags. */
function fakeCaches() {
  const { defaults } = resolveOptions({ service: 'user', ttl: '3m', jitter: 0.3 });
  const asked: string[] = [];
  const tagged: string[] = [];
  const regionOf = (cache: string, region: string) => {
    const name = `${cache}/${region}`;
    asked.push(name);
    return partly<Region>({
      name,
      options: defaults,
      keyOf: (identifier) => ({ entry: `${name}:${identifier}`, bucket: 0 }),
      declareTags: () => void tagged.push(name),
    });
  };
  const find = (name: string) =>
    new RedisCache(partly<CacheEngine>({ name, region: (region) => regionOf(name, region) }));
  return { asked, tagged, registry: partly<CacheRegistry>({ find }) };
}

const stepsOf = (type: new () => object, caches = fakeCaches().registry) =>
  methodsOf(type.prototype as object).map((method) => callStepsOf(method, type, caches));

describe('callStepsOf', () => {
  it("takes the method's options before its class's, and these before the region's", () => {
    @CacheConfig({ ttl: '2m', jitter: 0.2, negativeTtl: '1s' })
    class Users {
      @Cacheable({ ttl: '1m' }) async a() {}
      @Cacheable({ jitter: 0 }) async b() {}
    }
    class Plain {
      @Cacheable() async c() {}
    }
    const [a, b, c] = [...stepsOf(Users), ...stepsOf(Plain)].map(({ reads: [read] }) => {
      const { ttlMs, jitterRatio, negativeTtlMs } = read!.policy;
      return [ttlMs(null, []), jitterRatio, negativeTtlMs];
    });
    expect([a, b, c]).toEqual([
      [60_000, 0.2, 1_000],
      [120_000, 0, 1_000],
      [180_000, 0.3, null],
    ]);
  });

  it("takes cache and region from the operation, else from the class, else the class's own region", () => {
    const caches = fakeCaches();
    @CacheConfig({ cache: 'near', region: 'profile' })
    class Users {
      @Cacheable() async a() {}
      @CachePut({ key: 'x', cache: 'far', region: 'other' }) async b() {}
    }
    class Heirs extends Users {}
    class Plain {
      @CacheEvict({ allEntries: true }) async c() {}
    }
    for (const type of [Users, Heirs, Plain]) stepsOf(type, caches.registry);
    expect(caches.asked).toEqual(['near/profile', 'far/other', 'near/profile', 'far/other', 'default/Plain']);
  });

  it('names the region of a class so that two classes never share one', () => {
    const caches = fakeCaches();
    const make = (name: string) => {
      class Service {
        @Cacheable() async find() {}
      }
      Object.defineProperty(Service, 'name', { value: name });
      return Service;
    };
    for (const name of ['A$', 'A-24-', 'A$4', 'A\u0244', 'Größe', 'A:B', 'A B', '😀'])
      stepsOf(make(name), caches.registry);
    expect(new Set(caches.asked).size).toBe(8);
    for (const name of caches.asked) expect(name).toMatch(/^default\/[\w-]+$/);
    expect(() => stepsOf(make(''))).toThrow(expect.objectContaining({ code: 'RC_DECORATOR_TARGET' }));
    expect(() => stepsOf(make('x'.repeat(101)))).toThrow('its class has too long a name');
  });

  it('tells a region that tags are used in it, before any call', () => {
    const caches = fakeCaches();
    class Users {
      @Cacheable({ tags: ['a'], region: 'read' }) async a() {}
      @CachePut({ key: 'x', tags: () => [], region: 'put' }) async b() {}
      @Cacheable({ region: 'none' }) async c() {}
    }
    for (const method of methodsOf(Users.prototype as object))
      notifyRegions(method, Users as unknown as AnyFunction, caches.registry);
    expect(caches.tagged).toEqual(['default/read', 'default/put']);
  });

  it('sorts operations into the order in which they act', () => {
    class Users {
      @CacheEvict({ key: 'x' })
      @CacheEvict({ key: 'x', strict: true })
      @Cacheable()
      @CachePut({ key: 'x' })
      @CacheEvict({ key: 'x', beforeInvocation: true })
      async find() {}
    }
    const [{ before, reads, writes, after }] = stepsOf(Users) as [ReturnType<typeof callStepsOf>];
    expect([before.length, reads.length, after.length]).toEqual([1, 1, 1]);
    expect(writes.map(({ kind }) => kind)).toEqual(['evict', 'put']);
  });

  it('makes default keys of the runtime and the declaring class', () => {
    class Parent {
      @Cacheable() async find(_id: number) {}
    }
    class Child extends Parent {}
    const [{ reads }] = stepsOf(Child) as [ReturnType<typeof callStepsOf>];
    expect(reads[0]!.keyOf([7]).entry).toBe('default/Child:Child:Parent.find:7');
  });

  describe('a condition', () => {
    const conditionOf = (condition: unknown) => {
      class Users {
        @Cacheable({ condition: condition as () => boolean }) async find(_id: number) {}
      }
      return stepsOf(Users)[0]!.reads[0]!.condition!;
    };

    it('gets the arguments, and the instance as this', () => {
      const condition = conditionOf(function (this: { limit: number }, id: number) {
        return id < this.limit;
      });
      expect([condition([1], { limit: 2 }), condition([2], { limit: 2 })]).toEqual([true, false]);
    });

    it('names its method when it throws', () => {
      const cause = new TypeError('boom');
      const condition = conditionOf(() => {
        throw cause;
      });
      expect(() => condition([], null)).toThrow(expect.objectContaining({ code: 'RC_OPTION_FUNCTION', cause }));
      expect(() => condition([], null)).toThrow("The function 'condition' of Users.find failed before the method ran");
    });

    it('is refused when it answers by a promise, which would always be true', () => {
      const condition = conditionOf(async () => {
        throw new Error('late');
      });
      expect(() => condition([], null)).toThrow(expect.objectContaining({ code: 'RC_OPTION_FUNCTION' }));
      expect(() => condition([], null)).toThrow("The function 'condition' of Users.find returned a promise");
    });
  });
});
