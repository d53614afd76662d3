import { describe, expect, it } from '@jest/globals';
import { resolveReadPolicy } from '../../../../lib/cache/read-policy.js';
import { Gateway, type OriginResponse, OwnOutcome } from '../../../../lib/http/gateway/gateway.js';
import type { HeaderFields } from '../../../../lib/http/gateway/header-fields.js';
import { ResponseCodec } from '../../../../lib/http/response-codec.js';
import { World } from '../../../support/a-cache.js';
import { gate, settle } from '../../../support/fake-clock.js';

/** A gateway on the real engine, its origin in the test's hands. */
async function aGateway(options: { staleIfErrorMs?: number; answersPersonal?: boolean } = {}) {
  const world = new World();
  const { engine } = await world.start();
  const region = engine.region('gateway', new ResponseCodec());
  region.declareTags();
  const policy = resolveReadPolicy(region.options, { ttl: '1h', jitter: 0 }, 'Gateway.forward');
  const gateway = new Gateway(
    region,
    policy,
    {
      mostKeptMs: 3_600_000,
      staleIfErrorMs: options.staleIfErrorMs ?? 0,
      honorClientNoCache: false,
      answersPersonal: options.answersPersonal ?? false,
    },
    () => world.clock.now(),
  );
  const seen: HeaderFields[] = [];
  const get = (
    respond: (fields: HeaderFields) => Promise<OriginResponse> | OriginResponse,
    headers: HeaderFields = {},
    isPersonal = false,
  ) =>
    gateway.answer({
      request: { method: 'GET', headers, isPersonal },
      uri: 'u',
      tags: ['uri:u'],
      forward: async (fields) => {
        seen.push(fields);
        return respond(fields);
      },
    });
  return { world, engine, get, seen };
}

const response = (body: string, headers: HeaderFields = {}, status = 200): OriginResponse => ({
  status,
  headers,
  form: 'text',
  body,
});
const never = () => {
  throw new Error('the origin must not be asked');
};

describe('a gateway', () => {
  it('serves what is fresh, with its age', async () => {
    const { world, get } = await aGateway();
    const made = await get(() => response('1', { 'cache-control': 'max-age=60' }));
    expect(made).toMatchObject({ ageMs: null, status: { hit: false, fwd: 'uri-miss', isStored: true } });
    await world.clock.advance(5_000);
    expect(await get(never)).toMatchObject({
      response: { body: '1' },
      ageMs: 5_000,
      status: { hit: true, ttlMs: 55_000 },
    });
    await world.end();
  });

  it('revalidates with the stored validators and takes what a 304 says anew', async () => {
    const { world, get, seen } = await aGateway();
    await get(() => response('1', { 'cache-control': 'max-age=1', etag: '"a"', x: '1' }));
    await world.clock.advance(2_000);
    const fresh = await get(() => response('', { 'cache-control': 'max-age=60', x: '2' }, 304), {
      'if-none-match': '"z"',
    });
    expect(seen[1]).toEqual({ 'if-none-match': '"a"' });
    expect(fresh).toMatchObject({
      response: { status: 200, body: '1', headers: { x: '2' } },
      status: { fwd: 'stale', isStored: true },
    });
    expect(await get(never)).toMatchObject({ response: { body: '1', headers: { x: '2' } }, status: { hit: true } });
    await world.end();
  });

  it('gives nobody who waited a response that is for one request alone', async () => {
    const { world, get } = await aGateway();
    const origin = gate();
    const first = get(async () => {
      await origin.promise;
      return response('of the first', { 'cache-control': 'private, max-age=60' });
    });
    const second = get(() => response('of the second', { 'cache-control': 'private' }));
    await settle();
    origin.open();
    expect((await first).response).toMatchObject({ body: 'of the first' });
    expect((await second).response).toMatchObject({ body: 'of the second' });
    await world.end();
  });

  it('shares neither a refusal nor what cannot be kept', async () => {
    const { world, get } = await aGateway();
    const origin = gate();
    const first = get(async () => {
      await origin.promise;
      throw new OwnOutcome({ error: new Error('403') });
    });
    const second = get(() => response('allowed', { 'cache-control': 'max-age=60' }));
    await settle();
    origin.open();
    await expect(first).rejects.toBeInstanceOf(OwnOutcome);
    expect((await second).response).toMatchObject({ body: 'allowed' });
    await world.end();
  });

  it('keeps those with credentials apart, unless the response or the route says that it is for all', async () => {
    const closed = await aGateway();
    await closed.get(() => response('anonymous', { 'cache-control': 'max-age=60' }));
    const own = await closed.get(() => response('mine', { 'cache-control': 'max-age=60' }), { cookie: 'a' }, true);
    expect(own).toMatchObject({ response: { body: 'mine' }, status: { fwd: 'bypass', detail: 'auth' } });
    expect((await closed.get(never)).response).toMatchObject({ body: 'anonymous' });
    await closed.world.end();

    const open = await aGateway({ answersPersonal: true });
    await open.get(() => response('mine', { 'cache-control': 'max-age=60' }), { cookie: 'a' }, true);
    await open.get(() => response('for all', { 'cache-control': 'max-age=60, public' }), { cookie: 'a' }, true);
    expect((await open.get(never)).response).toMatchObject({ body: 'for all' });
    await open.world.end();
  });

  it('serves stale while one request asks the origin, and where it fails', async () => {
    const { world, get } = await aGateway({ staleIfErrorMs: 60_000 });
    await get(() => response('1', { 'cache-control': 'max-age=1, stale-while-revalidate=30' }));
    await world.clock.advance(2_000);
    const origin = gate();
    const asking = get(async () => {
      await origin.promise;
      return response('', {}, 503);
    });
    await settle();
    expect(await get(never)).toMatchObject({
      response: { body: '1' },
      status: { hit: true, detail: 'stale-while-revalidate' },
    });
    origin.open();
    expect(await asking).toMatchObject({ response: { body: '1' }, status: { hit: true, detail: 'stale-if-error' } });
    await world.end();
  });

  it('keeps variants apart, and ends them together', async () => {
    const { world, engine, get } = await aGateway();
    const of = (lang: string) => response(lang, { 'cache-control': 'max-age=60', vary: 'Accept-Language' });
    await get(() => of('en'), { 'accept-language': 'en' });
    expect(await get(() => of('de'), { 'accept-language': 'de' })).toMatchObject({
      status: { fwd: 'vary-miss', isStored: true },
    });
    expect((await get(never, { 'accept-language': 'en' })).response).toMatchObject({ body: 'en' });
    expect((await get(never, { 'accept-language': 'DE' })).response).toMatchObject({ body: 'de' });
    await engine.evictTags(['uri:u']);
    expect((await get(() => of('en 2'), { 'accept-language': 'en' })).response).toMatchObject({ body: 'en 2' });
    expect((await get(() => of('de 2'), { 'accept-language': 'de' })).response).toMatchObject({ body: 'de 2' });
    await world.end();
  });

  it('never gives an eviction back what a 304 confirmed while it came', async () => {
    const { world, engine, get } = await aGateway();
    await get(() => response('1', { 'cache-control': 'max-age=1', etag: '"a"' }));
    await world.clock.advance(2_000);
    await get(async () => {
      await engine.evictTags(['uri:u']);
      return response('', { 'cache-control': 'max-age=60' }, 304);
    });
    expect((await get(() => response('2', { 'cache-control': 'max-age=60' }))).response).toMatchObject({ body: '2' });
    await world.end();
  });

  it('cuts parts from what it has whole', async () => {
    const { world, get } = await aGateway();
    await get(() => response('0123456789', { 'cache-control': 'max-age=60' }));
    const part = async (range: string) => (await get(() => response('whole'), { range })).response;
    expect(await part('bytes=2-4')).toMatchObject({
      status: 206,
      body: '234',
      headers: { 'content-range': 'bytes 2-4/10' },
    });
    expect(await part('bytes=7-')).toMatchObject({ status: 206, body: '789' });
    expect(await part('bytes=-2')).toMatchObject({ status: 206, body: '89' });
    for (const range of ['bytes=20-', 'bytes=-0', 'bytes=4-2', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=-'])
      expect(await part(range)).toMatchObject({ status: 200, body: 'whole' });
    await world.end();
  });

  it('answers only-if-cached without asking', async () => {
    const { world, get } = await aGateway();
    expect((await get(never, { 'cache-control': 'only-if-cached' })).response).toBeNull();
    await world.end();
  });
});
