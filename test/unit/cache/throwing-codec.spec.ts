import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Codec } from '../../../lib/codecs/codec.js';
import { JsonCodec } from '../../../lib/codecs/json-codec.js';
import { World } from '../../support/a-cache.js';

const load = async () => ({ name: 'ada' });

/** JSON, until a test breaks one of its ways. */
class BreakingCodec implements Codec {
  readonly id = 'breaking';
  readonly binary = false;
  failure: { readonly in: 'encode' | 'decode'; readonly thrown: unknown } | null = null;
  private readonly json = new JsonCodec();

  encode(value: unknown): ReturnType<Codec['encode']> {
    if (this.failure?.in === 'encode') throw this.failure.thrown;
    return this.json.encode(value);
  }

  decode(payload: string | Buffer, meta: string): ReturnType<Codec['decode']> {
    if (this.failure?.in === 'decode') throw this.failure.thrown;
    return this.json.decode(payload, meta);
  }
}

const THROWN = [[new TypeError('secret')], [undefined], ['text'], [Object.create(null)]] as const;

describe('a codec of the application that throws', () => {
  let world: World;
  let codec: BreakingCodec;
  beforeEach(() => {
    world = new World(1, { codec: (codec = new BreakingCodec()) });
  });
  afterEach(() => world.end());

  it.each(THROWN)('%p while it encodes: the result is returned, not cached, and told once', async (thrown) => {
    const { cache, log } = await world.start();
    const users = cache.region('users');
    codec.failure = { in: 'encode', thrown };
    expect(await users.getOrLoad(1, load)).toEqual({ name: 'ada' });
    expect(await users.getOrLoad(2, load)).toEqual({ name: 'ada' });
    expect(cache.status().regions['users']).toMatchObject({ loads: 2, fills: 0, encodeFailures: 2 });
    expect(log).toEqual([expect.stringMatching(/not cached.*'breaking' failed.*\[RC_ENCODE_FAILED\]/)]);
    codec.failure = null;
    await users.getOrLoad(1, load);
    expect(cache.status().regions['users']).toMatchObject({ fills: 1 });
  });

  it.each(THROWN)('%p while it encodes what is written: the key is left absent', async (thrown) => {
    const { cache } = await world.start();
    const users = cache.region<{ name: string }>('users');
    await users.getOrLoad(1, load);
    codec.failure = { in: 'encode', thrown };
    expect(await users.write(1, async () => ({ name: 'bob' }))).toEqual({ name: 'bob' });
    codec.failure = null;
    expect(await users.get(1)).toBeUndefined();
    await users.getOrLoad(1, load);
    codec.failure = { in: 'encode', thrown };
    await users.put(1, { name: 'eve' }, { version: 1 });
    codec.failure = null;
    expect(await users.get(1)).toBeUndefined();
  });

  it.each(THROWN)('%p while it decodes: the entry is a miss, which is replaced', async (thrown) => {
    const { cache, log } = await world.start({ l1: false });
    const users = cache.region('users');
    await users.getOrLoad(1, load);
    codec.failure = { in: 'decode', thrown };
    expect(await users.get(1)).toBeUndefined();
    // nor does the result of the load come back: it is returned as it is
    expect(await users.getOrLoad(1, load)).toEqual({ name: 'ada' });
    expect(log.join()).not.toContain('secret');
    expect(cache.status().regions['users']!.decodeFailures).toBeGreaterThan(0);
    codec.failure = null;
    await users.getOrLoad(1, load);
    expect(await users.get(1)).toEqual({ name: 'ada' });
  });
});
