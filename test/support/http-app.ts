import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Agent, request } from 'undici';

export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

/** What a client sees. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface HttpApp {
  readonly app: INestApplication;
  readonly url: string;
  /** What Nest and the cache wrote in their log, level first. */
  readonly lines: readonly string[];
  send(method: string, path: string, headers?: Record<string, string | string[]>): Promise<Answer>;
  get(path: string, headers?: Record<string, string | string[]>): Promise<Answer>;
  close(): Promise<void>;
}

/** Boots an application on a free port of this machine; nothing of it goes to the console. */
export async function startHttpApp(
  adapter: AdapterName,
  metadata: ModuleMetadata,
  configure: (app: INestApplication) => void = () => {},
): Promise<HttpApp> {
  @Module(metadata)
  class AppModule {}
  const lines: string[] = [];
  const write =
    (level: string) =>
    (message: unknown, ...rest: unknown[]) =>
      void lines.push(`${level} [${String(rest.at(-1))}] ${String(message)}`);
  const logger = { log: write('log'), warn: write('warn'), error: write('error'), debug() {}, verbose() {} };
  const app = await NestFactory.create<INestApplication>(
    AppModule,
    adapter === 'express' ? new ExpressAdapter() : (new FastifyAdapter() as never),
    { logger, abortOnError: false },
  );
  configure(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  const dispatcher = new Agent({ connections: 2_000, maxHeaderSize: 4 * 1024 ** 2 });
  const send: HttpApp['send'] = async (method, path, headers = {}) => {
    const answer = await request(url + path, { method: method as 'GET', headers, dispatcher });
    const fields = Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]);
    return { status: answer.statusCode, headers: Object.fromEntries(fields), body: await answer.body.text() };
  };
  return {
    app,
    url,
    lines,
    send,
    get: (path, headers) => send('GET', path, headers),
    close: async () => {
      await dispatcher.close();
      await app.close();
    },
  };
}
