import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Put, UseInterceptors } from '@nestjs/common';
import { Agent, cacheStores, fetch, interceptors } from 'undici';
import { parseList } from 'structured-headers';
import { HttpCache, RedisCacheInterceptor } from '../../lib/http/index.js';
import { cachedApps } from '../support/cached-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

const start = cachedApps();
const run = promisify(execFile);
let redis: RedisServer;
let runs = 0;

beforeAll(async () => void (redis = await startRedis()), 60_000);
afterAll(async () => redis?.remove());
beforeEach(() => void (runs = 0));

/** Names are kept by the class: two instances of an application have one database. */
const names = new Map<string, string>();

@Controller('items')
@UseInterceptors(RedisCacheInterceptor)
class Items {
  @Get(':id') @HttpCache({ ttl: '1m', scope: 'public', clientTtl: '1m' }) async find(@Param('id') id: string) {
    runs += 1;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { id, name: names.get(id) ?? 'new' };
  }
  @Put(':id') rename(@Param('id') id: string) {
    names.set(id, 'renamed');
  }
}

/** As curl prints it: status, header fields, body. */
async function curl(url: string, ...args: string[]) {
  const { stdout } = await run('curl', ['-s', '-i', ...args, url]);
  const [head = '', body] = stdout.split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  return {
    status: Number(line.split(' ')[1]),
    headers: new Map(fields.map((field) => [field.split(':')[0]!.toLowerCase(), field.slice(field.indexOf(':') + 2)])),
    body,
  };
}

describe.each(ADAPTERS)('two instances on %s and one Redis', (adapter) => {
  const begin = async (service: string) => {
    const cache = { service: `${service}-${adapter}`, redis: { url: redis.url } };
    return [await start(adapter, [Items], { cache }), await start(adapter, [Items], { cache })] as const;
  };

  it('run a handler once for all requests, and end its response on both', async () => {
    const [a, b] = await begin('fleet');
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 ? a : b).get('/items/1')));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(
      new Set(['200 {"id":"1","name":"new"}']),
    );
    expect(runs).toBe(1);
    await a.send('PUT', '/items/1');
    expect((await a.get('/items/1')).body).toContain('renamed');
    for (let n = 0; n < 100 && !(await b.get('/items/1')).body.includes('renamed'); n++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await b.get('/items/1')).body).toContain('renamed');
    expect(runs).toBe(2);
    names.clear();
  });

  it('answer curl: a hit, a head, a 304 and an unknown range', async () => {
    const [{ url }, other] = await begin('curl');
    const first = await curl(`${url}/items/2`);
    expect(first).toMatchObject({ status: 200, body: '{"id":"2","name":"new"}' });
    const etag = first.headers.get('etag')!;
    const hit = await curl(`${other.url}/items/2`);
    expect(hit.headers.get('cache-status')).toMatch(/^RedisCache; fwd=uri-miss|^RedisCache; hit/);
    const head = await curl(`${url}/items/2`, '-I');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers.get('content-length')).toBe('23');
    const same = await curl(`${url}/items/2`, '-H', `If-None-Match: ${etag}`);
    expect(same).toMatchObject({ status: 304, body: '' });
    expect(same.headers.get('content-type')).toBeUndefined();
    expect((await curl(`${url}/items/2`, '-r', '0-1')).headers.get('cache-status')).toBe(
      'RedisCache; fwd=bypass; detail=range',
    );
  });

  it('write a Cache-Status that reads as a structured list, behind that of undici', async () => {
    const [{ url }] = await begin('undici');
    const dispatcher = new Agent().compose(interceptors.cache({ store: new cacheStores.MemoryCacheStore() }));
    for (let n = 0; n < 3; n++) {
      const answer = await fetch(`${url}/items/3`, { dispatcher });
      expect(await answer.json()).toEqual({ id: '3', name: 'new' });
      const [[token, parameters]] = parseList(answer.headers.get('cache-status')!) as unknown as [
        [{ toString(): string }, Map<string, unknown>],
      ];
      expect(String(token)).toBe('RedisCache');
      expect(parameters.has('hit') !== parameters.has('fwd')).toBe(true);
    }
    expect(runs).toBe(1);
    await dispatcher.close();
  });
});
