import { All, Controller, Module, Req, Res, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type IncomingMessage, METHODS } from 'node:http';
import { Agent, request as send } from 'undici';
import { HttpCache, RedisCacheInterceptor } from '../../lib/http/index.js';
import { RedisCacheModule } from '../../lib/index.js';

export type Adapter = 'express' | 'fastify';

interface Incoming extends AsyncIterable<Buffer> {
  readonly method: string;
  readonly url: string;
  /** Fastify's. */
  readonly raw?: IncomingMessage;
  readonly body?: unknown;
  readonly headers: Record<string, string | string[]>;
}

interface Outgoing {
  status(code: number): unknown;
  setHeader?(name: string, value: string | string[]): unknown;
  header(name: string, value: string | string[]): unknown;
}

/** Of one connection, or made by the client of undici. */
const NOT_FORWARDED = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
];

/** A gateway as a team would write it: everything goes to one origin, and its answer back. */
export async function startGateway(adapter: Adapter, originUrl: string, redisUrl: string | undefined) {
  const rest = adapter === 'express' ? '*path' : '*';
  const dispatcher = new Agent({ connections: 512 });

  async function forward(request: Incoming, response: Outgoing): Promise<string> {
    const { method, url, headers } = request;
    const forwarded = Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_FORWARDED.includes(name)));
    const answer = await send(originUrl + url, {
      method: method as 'GET',
      headers: forwarded,
      body: await bodyOf(request),
      dispatcher,
    });
    response.status(answer.statusCode);
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined && name !== 'transfer-encoding' && name !== 'content-length')
        (response.setHeader ?? response.header).call(response, name, value);
    }
    return answer.body.text();
  }

  @Controller()
  @UseInterceptors(RedisCacheInterceptor)
  class GatewayController {
    @All(`test/${rest}`)
    @HttpCache({ respectHeaders: true, scope: 'public', honorClientNoCache: true, ttl: '30d', region: 'gateway' })
    cached(@Req() request: Incoming, @Res({ passthrough: true }) response: Outgoing) {
      return forward(request, response);
    }

    /** What the suite asks of its origin itself. */
    @All(rest)
    straight(@Req() request: Incoming, @Res({ passthrough: true }) response: Outgoing) {
      return forward(request, response);
    }
  }

  @Module({
    imports: [
      RedisCacheModule.forRoot({ service: 'gateway', ...(redisUrl !== undefined && { redis: { url: redisUrl } }) }),
    ],
    controllers: [GatewayController],
  })
  class GatewayModule {}

  const app = await NestFactory.create(GatewayModule, adapterOf(adapter), { logger: false, bodyParser: false });
  await app.listen(0, '127.0.0.1');
  return {
    url: await app.getUrl(),
    stop: async () => {
      await app.close();
      await dispatcher.destroy();
    },
  };
}

function adapterOf(adapter: Adapter) {
  if (adapter === 'express') return new ExpressAdapter();
  const fastify = new FastifyAdapter({ exposeHeadRoutes: false });
  const instance = fastify.getInstance();
  const known = new Set<string>(instance.supportedMethods);
  for (const method of METHODS) if (!known.has(method)) instance.addHttpMethod(method, { hasBody: true });
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  return fastify;
}

/** Null: there is none. */
async function bodyOf(request: Incoming): Promise<Buffer | null> {
  if (request.raw !== undefined) return Buffer.isBuffer(request.body) ? request.body : null;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? null : Buffer.concat(chunks);
}
