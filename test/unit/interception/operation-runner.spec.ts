import { describe, expect, it } from '@jest/globals';
import type { FencedKey } from '../../../lib/cache/call-fences.js';
import type { EntryCall } from '../../../lib/cache/entry-call.js';
import type { Wanted } from '../../../lib/cache/eviction-group.js';
import type { LoadContext } from '../../../lib/cache/load-context.js';
import { type ReadPolicy, resolveReadPolicy } from '../../../lib/cache/read-policy.js';
import { RegionState } from '../../../lib/cache/region-state.js';
import type { Region } from '../../../lib/cache/region.js';
import type { CacheWriter, WritePlan } from '../../../lib/cache/writer.js';
import { JsonCodec } from '../../../lib/codecs/json-codec.js';
import type { CallSteps, EvictStep, PutStep, ReadStep } from '../../../lib/interception/call-steps.js';
import { planOfSteps } from '../../../lib/interception/operation-runner.js';
import type { CacheKey } from '../../../lib/keys/cache-key.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { silentLogger } from '../../../lib/shared/logger.js';
import { partly } from '../../support/partly.js';

type Run = () => Promise<unknown>;

const { defaults } = resolveOptions({ service: 'test' });
const tagCounts = { evictions: 0, evictionsFailed: 0 };

const nameOf = (wanted: Wanted): string => {
  if (wanted.kind === 'key') return wanted.key.entry + (wanted.version ? ` v${wanted.version}` : '');
  return wanted.mark.startsWith('t:') ? `tag ${wanted.mark.slice(2)}` : `all of ${wanted.mark.slice(2)}`;
};
const namesOf = (all: readonly Wanted[]) => all.map(nameOf).join(', ');

/** Writes down what a cache writes and evicts, in order. */
class FakeWriter implements Pick<CacheWriter, 'evictAll' | 'writeAll'> {
  /** What evictions of this cache fail with. */
  failure: Error | null = null;
  readonly asWriter = partly<CacheWriter>({
    evictAll: (wanted) => this.evictAll(wanted),
    writeAll: (...args) => this.writeAll(...args),
  });

  constructor(readonly log: string[]) {}

  async evictAll(wanted: readonly Wanted[]): Promise<void> {
    await Promise.resolve();
    this.log.push(`evict ${namesOf(wanted)}`);
    if (this.failure) throw this.failure;
  }

  async writeAll({ strict, puts, evictsNothing, after }: WritePlan, run: Run): Promise<unknown> {
    const entriesOf = (all: readonly { key: CacheKey }[]) => all.map(({ key }) => key.entry).join(', ');
    const fenced = entriesOf([...strict, ...puts]);
    this.log.push(`fence ${fenced}${evictsNothing ? '' : ' and more'}`);
    let result: unknown;
    try {
      result = await run();
    } catch (error) {
      this.log.push(`unfence ${fenced}`);
      throw error;
    }
    const wanted = after(result);
    if (wanted.length > 0) this.log.push(`evict ${namesOf(wanted)}`);
    if (strict.length > 0) this.log.push(`unfence ${entriesOf(strict)}`);
    if (puts.length > 0) this.log.push(`put ${entriesOf(puts)}`);
    if (this.failure) throw this.failure;
    return result;
  }
}

/** What the runner asks of a region. */
type Asked =
  | 'name'
  | 'keyOf'
  | 'read'
  | 'readBehind'
  | 'answerLocal'
  | 'wantedKeys'
  | 'wantedClear'
  | 'fencedKeys'
  | 'entryCall'
  | 'tracked'
  | 'countBypass'
  | 'writer';

/** A region that keeps values and writes down what happens to it, in order. */
class FakeRegion implements Pick<Region, Asked> {
  readonly values = new Map<string, unknown>();
  readonly writer: CacheWriter;
  private readonly state: RegionState;

  constructor(
    readonly name: string,
    readonly log: string[],
    writer = new FakeWriter(log),
  ) {
    this.writer = writer.asWriter;
    this.state = new RegionState(name, defaults, new JsonCodec(), silentLogger);
  }

  keyOf(identifier: string): CacheKey {
    return { entry: `${this.name}:${identifier}`, bucket: 0 };
  }

  async read({ entry }: CacheKey, _policy: unknown, _args: unknown, load: (context: LoadContext) => Promise<unknown>) {
    if (this.values.has(entry)) {
      this.log.push(`hit ${entry}`);
      return this.values.get(entry);
    }
    this.log.push(`miss ${entry}`);
    const value = await load({ signal: new AbortController().signal, region: this.name, key: entry, isRefresh: false });
    this.log.push(`fill ${entry}`);
    this.values.set(entry, value);
    return value;
  }

  readBehind(...args: Parameters<FakeRegion['read']>) {
    return this.read(...args);
  }

  answerLocal(): null {
    return null;
  }

  wantedKeys(keys: readonly CacheKey[], version = ''): Wanted[] {
    return keys.map((key) => ({ kind: 'key', region: this.state, key, version }));
  }

  wantedClear(): Wanted {
    return { kind: 'mark', mark: `r:${this.name}`, counts: this.state.counts };
  }

  fencedKeys(keys: readonly CacheKey[]): FencedKey[] {
    return keys.map((key) => ({ region: this.state, key }));
  }

  entryCall(key: CacheKey, policy: ReadPolicy, args: readonly unknown[]): EntryCall {
    return { region: this.state, key, policy, args };
  }

  tracked<W>(writing: Promise<W>): Promise<W> {
    return writing;
  }

  countBypass(): void {
    this.log.push(`bypass ${this.name}`);
  }
}

const log: string[] = [];
const first = (args: readonly unknown[]) => String(args[0]);

function aRead(region: FakeRegion, over: Partial<ReadStep> = {}): ReadStep {
  return {
    region: partly<Region>(region),
    keyOf: (args) => region.keyOf(first(args)),
    policy: resolveReadPolicy(defaults, {}, 'Users.find'),
    condition: null,
    ...over,
  };
}

function aPut(region: FakeRegion, over: Partial<PutStep> = {}): PutStep {
  return { kind: 'put', ...aRead(region), ...over };
}

function anEvict(region: FakeRegion, over: Partial<EvictStep> = {}): EvictStep {
  const cache: EvictStep['cache'] = {
    wantedTags: (tags) => tags.map((tag) => ({ kind: 'mark', mark: `t:${tag}`, counts: tagCounts })),
  };
  return {
    kind: 'evict',
    cache,
    region: partly<Region>(region),
    identifyAll: (args) => [first(args)],
    tags: null,
    clears: false,
    version: null,
    condition: null,
    where: 'Users.find',
    ...over,
  };
}

function aCall(
  steps: Partial<CallSteps>,
  method: (...args: never[]) => unknown = async (id: never) => `value ${String(id)}`,
) {
  log.length = 0;
  writer.failure = null;
  const plan = planOfSteps(
    { before: [], reads: [], writes: [], after: [], ...steps },
    function (this: unknown, ...args: never[]) {
      log.push('method');
      return method.apply(this, args);
    },
  );
  return (...args: unknown[]) => plan({ name: 'instance' }, args);
}

const writer = new FakeWriter(log);
const region = (name = 'r', of = writer) => new FakeRegion(name, log, of);

describe('the runner', () => {
  it('answers a hit without the method', async () => {
    const call = aCall({ reads: [aRead(region())] });
    expect([await call(1), await call(1)]).toEqual(['value 1', 'value 1']);
    expect(log).toEqual(['miss r:1', 'method', 'fill r:1', 'hit r:1']);
  });

  it("returns the region's own promise on the hot path", () => {
    const promise = Promise.resolve('hit');
    const hot = Object.assign(region(), { read: () => promise });
    expect(aCall({ reads: [aRead(hot)] })(1)).toBe(promise);
  });

  it('acts in the order of its contract: evict before, read, fence, method, evict after, end of fences', async () => {
    const call = aCall({
      before: [anEvict(region('before'))],
      reads: [aRead(region())],
      writes: [anEvict(region('strict')), aPut(region('put'))],
      after: [anEvict(region('after'))],
    });
    expect(await call(1)).toBe('value 1');
    const miss = [
      'evict before:1',
      'miss r:1',
      'fence strict:1, put:1 and more',
      'method',
      'evict after:1',
      'unfence strict:1',
      'put put:1',
      'fill r:1',
    ];
    expect(log).toEqual(miss);
    await call(1);
    expect(log.slice(miss.length)).toEqual(['evict before:1', 'hit r:1', 'evict after:1']);
  });

  it('nests several reads, outermost first', async () => {
    const [outer, inner] = [region('outer'), region('inner')];
    const call = aCall({ reads: [aRead(outer), aRead(inner)] });
    await call(1);
    outer.values.clear();
    await call(1);
    expect(log).toEqual([
      'miss outer:1',
      'miss inner:1',
      'method',
      'fill inner:1',
      'fill outer:1',
      'miss outer:1',
      'hit inner:1',
      'fill outer:1',
    ]);
  });

  it('gives the method its instance and its arguments', async () => {
    const call = aCall({ reads: [aRead(region())] }, async function (this: unknown, ...args: unknown[]) {
      return [this, ...args];
    });
    expect(await call(1, 'x')).toEqual([{ name: 'instance' }, 1, 'x']);
  });

  it("passes the method's error through, the same object, and evicts nothing after", async () => {
    const error = new Error('404');
    const call = aCall(
      { reads: [aRead(region())], writes: [aPut(region('put'))], after: [anEvict(region('after'))] },
      async () => {
        throw error;
      },
    );
    await expect(call(1)).rejects.toBe(error);
    expect(log).toEqual(['miss r:1', 'fence put:1 and more', 'method', 'unfence put:1']);
  });

  it('turns what a method throws at once into a rejection', async () => {
    const error = new Error('now');
    const call = aCall({ reads: [aRead(region())] }, () => {
      throw error;
    });
    await expect(call(1)).rejects.toBe(error);
  });

  it('calls the method where the condition is false, and counts that', async () => {
    const call = aCall({ reads: [aRead(region(), { condition: (args) => args[0] !== 1 })] });
    await call(1);
    await call(2);
    expect(log).toEqual(['bypass r', 'method', 'miss r:2', 'method', 'fill r:2']);
  });

  it('leaves out evictions and puts whose condition is false', async () => {
    const never = { condition: () => false };
    const call = aCall({
      before: [anEvict(region('before'), never)],
      writes: [anEvict(region('strict'), never), aPut(region('put'), never)],
      after: [anEvict(region('after'), never)],
    });
    expect(await call(1)).toBe('value 1');
    expect(log).toEqual(['method']);
  });

  it('evicts keys, tags and a whole region as one group', async () => {
    const call = aCall({
      after: [
        anEvict(region('keys'), { identifyAll: () => ['1', '2'] }),
        anEvict(region(), { identifyAll: null, tags: (result, id) => [`t:${String(result)}`, `id:${String(id)}`] }),
        anEvict(region(), { identifyAll: null, tags: ['fixed'] }),
        anEvict(region('all'), { identifyAll: null, clears: true }),
        anEvict(region('none'), { identifyAll: () => [] }),
      ],
    });
    await call(1);
    expect(log).toEqual(['method', 'evict keys:1, keys:2, tag t:value 1, tag id:1, tag fixed, all of all']);
  });

  it('evicts below a version', async () => {
    const call = aCall({ after: [anEvict(region(), { version: (_result, id) => Number(id) + 41 })] });
    await call(1);
    expect(log).toEqual(['method', 'evict r:1 v42']);
  });

  it('makes keys of evictions before the method runs, so that a bad one stops the write', async () => {
    const bad = () => {
      throw new Error('no key');
    };
    const call = aCall({ after: [anEvict(region(), { identifyAll: bad })] });
    await expect(call(1)).rejects.toThrow('no key');
    expect(log).toEqual([]);
  });

  it('rejects, and does not throw, where the key cannot be made', async () => {
    const bad = () => {
      throw new Error('no key');
    };
    const call = aCall({ reads: [aRead(region(), { keyOf: bad })] });
    await expect(call(1)).rejects.toThrow('no key');
  });

  it('evicts whatever the version when the version is unusable, and says so', async () => {
    const cause = new Error('boom');
    const thrown = aCall({
      after: [
        anEvict(region(), {
          version: () => {
            throw cause;
          },
        }),
      ],
    });
    await expect(thrown(1)).rejects.toMatchObject({ code: 'RC_OPTION_FUNCTION', cause });
    expect(log).toEqual(['method', 'evict r:1']);
    const invalid = aCall({ after: [anEvict(region(), { version: () => -1 })] });
    await expect(invalid(1)).rejects.toMatchObject({ code: 'RC_INVALID_VERSION' });
    expect(log).toEqual(['method', 'evict r:1']);
  });

  it('tries the evictions of every cache although those of one fail, and rejects when all have ended', async () => {
    const other = new FakeWriter(log);
    const call = aCall({ after: [anEvict(region('failing')), anEvict(region('fine', other))] });
    writer.failure = new Error('redis is away');
    await expect(call(1)).rejects.toThrow('redis is away');
    expect(log).toEqual(['method', 'evict failing:1', 'evict fine:1']);
  });

  it('sends everything of a call although one cache fails, whichever it is', async () => {
    for (const fails of [0, 1, 2]) {
      const writers = [writer, new FakeWriter(log), new FakeWriter(log)];
      const [a, b, c] = writers.map((of, n) => region('abc'[n], of));
      const call = aCall({ writes: [anEvict(a!), aPut(b!)], after: [anEvict(a!), anEvict(b!), anEvict(c!)] });
      writers[fails]!.failure = new Error('redis is away');
      await expect(call(1)).rejects.toThrow('redis is away');
      expect(log).toEqual([
        'fence b:1 and more',
        'fence a:1 and more',
        'method',
        'evict a:1',
        'unfence a:1',
        'evict b:1',
        'put b:1',
        'evict c:1',
      ]);
    }
  });

  it('tells each cache that others put too: what it puts may be made of theirs', async () => {
    const call = aCall({ writes: [aPut(region('a')), aPut(region('b', new FakeWriter(log)))] });
    await call(1);
    expect(log.slice(0, 2)).toEqual(['fence b:1 and more', 'fence a:1 and more']);
    log.length = 0;
    await aCall({ writes: [aPut(region('a'))] })(1);
    expect(log[0]).toBe('fence a:1');
  });

  it('evicts what is known when an option function fails, and only then says so', async () => {
    const tags = () => {
      throw new Error('boom');
    };
    const failing = anEvict(region(), { identifyAll: null, tags });
    for (const moment of ['before', 'after'] as const) {
      const call = aCall({ [moment]: [failing, anEvict(region('known')), anEvict(region('more'))] });
      await expect(call(1)).rejects.toMatchObject({ code: 'RC_OPTION_FUNCTION' });
      expect(log.filter((line) => line !== 'method')).toEqual(['evict known:1, more:1']);
    }
    const call = aCall({ writes: [aPut(region('put'))], after: [failing, anEvict(region('known'))] });
    await expect(call(1)).rejects.toMatchObject({ code: 'RC_OPTION_FUNCTION' });
    expect(log).toEqual(['fence put:1 and more', 'method', 'evict known:1', 'put put:1']);
  });

  it('reports a failing tags function', async () => {
    const call = aCall({
      after: [
        anEvict(region(), {
          identifyAll: null,
          tags: () => {
            throw new Error('boom');
          },
        }),
      ],
    });
    await expect(call(1)).rejects.toThrow(
      `The function 'tags' of @CacheEvict on Users.find failed after the method had run: Error: boom.`,
    );
  });

  it.each([undefined, 'abc', [1], [''], Promise.reject(new Error('late'))])(
    'names the method of a tags function that gives %p',
    async (tags) => {
      const call = aCall({ after: [anEvict(region(), { identifyAll: null, tags: () => tags as string[] })] });
      await expect(call(1)).rejects.toMatchObject({ code: 'RC_INVALID_TAG' });
      await expect(call(1)).rejects.toThrow('The tags of @CacheEvict on Users.find must be');
    },
  );

  it('gives keys and conditions the instance of the call', async () => {
    const seen: unknown[] = [];
    const see = (_args: unknown, instance: unknown) => void seen.push(instance);
    const over = { condition: (args: readonly unknown[], it: unknown) => (see(args, it), true) };
    const key = { keyOf: (args: readonly unknown[], it: unknown) => (see(args, it), { entry: 'k', bucket: 0 }) };
    const keys = { identifyAll: (args: readonly unknown[], it: unknown) => (see(args, it), []) };
    await aCall({ reads: [aRead(region(), key)] })(1);
    await aCall({
      before: [anEvict(region(), { ...over, ...keys })],
      reads: [aRead(region(), { ...over, ...key })],
      writes: [anEvict(region(), { ...over, ...keys }), aPut(region(), { ...over, ...key })],
    })(1);
    expect(seen).toEqual(Array(9).fill({ name: 'instance' }));
  });
});
