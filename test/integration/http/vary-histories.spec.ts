import { expect, it } from '@jest/globals';
import { Controller, Get, NotFoundException, Req, Res, UseInterceptors } from '@nestjs/common';
import * as fc from 'fast-check';
import { HttpCache, RedisCacheInterceptor } from '../../../lib/http/index.js';
import { CacheTesting, RedisCacheTestingModule } from '../../../lib/testing/index.js';
import { cachedApps, type ResponseLike } from '../../support/cached-app.js';
import { ADAPTERS } from '../../support/http-app.js';

const start = cachedApps();

interface Known {
  headers: Record<string, string>;
}

/** Sets its fields before it fails, as handlers do. */
let make = (body: object): unknown => body;

@Controller()
@UseInterceptors(RedisCacheInterceptor)
class Rows {
  @Get('rows/:id')
  @HttpCache({ ttl: '1m', staleIfError: '1h', honorClientNoCache: true })
  find(@Res({ passthrough: true }) response: ResponseLike, @Req() { headers }: Known) {
    const tenant = headers['x-tenant']!;
    // tenant c is for everybody alike; the others by ever more fields
    if (tenant !== 'c') response.header('Vary', tenant === 'a' ? 'X-Tenant' : 'X-Tenant, X-Role');
    return make({ tenant, role: headers['x-role'] });
  }
}

/** Few of each, so that a response that is fresh beside one that is past its ttl comes about as well. */
const step = fc.record({
  tenant: fc.constantFrom('a', 'b', 'b', 'c'),
  role: fc.constantFrom('alice', 'bob'),
  handler: fc.constantFrom('makes', 'makes', 'fails', 'fails', 'refuses'),
  isForced: fc.constantFrom(false, false, false, true),
  passMs: fc.constantFrom(0, 2_000, 40_000),
});

it.each(ADAPTERS)('gives nobody what varies with others, whatever handlers do: on %s', async (adapter) => {
  const { app, get } = await start(adapter, [Rows], { imports: [RedisCacheTestingModule.forApplication()] });
  const { clock } = app.get(CacheTesting);
  let id = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      id += 1;
      for (const { tenant, role, handler, isForced, passMs } of steps) {
        if (passMs > 0) await clock.advance(passMs);
        make = (body) => {
          if (handler === 'makes') return body;
          throw handler === 'fails' ? new TypeError('database') : new NotFoundException();
        };
        const forced: Record<string, string> = isForced ? { 'cache-control': 'no-cache' } : {};
        const { status, body } = await get(`/rows/${id}`, { 'x-tenant': tenant, 'x-role': role, ...forced });
        if (status !== 200) continue;
        const told = JSON.parse(body) as { tenant: string; role: string };
        // what says that it is for everybody may be anybody's
        if (told.tenant === 'c') continue;
        expect(told).toMatchObject(told.tenant === 'a' ? { tenant } : { tenant, role });
      }
    }),
    { numRuns: 300 },
  );
});
