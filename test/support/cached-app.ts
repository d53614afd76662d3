import { afterEach } from '@jest/globals';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { type RedisCacheOptions, RedisCacheModule } from '../../lib/index.js';
import { type AdapterName, type HttpApp, startHttpApp } from './http-app.js';

/** What a handler gets by `@Res({ passthrough: true })` on either adapter. */
export interface ResponseLike {
  header(name: string, value: string): unknown;
  status(code: number): unknown;
}

export interface CachedAppOptions extends ModuleMetadata {
  cache?: Partial<RedisCacheOptions>;
  configure?: (app: INestApplication) => void;
}

/** Applications with a cache and these controllers; each is closed when its test has ended. */
export function cachedApps() {
  const open: HttpApp[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  return async (
    adapter: AdapterName,
    controllers: NonNullable<ModuleMetadata['controllers']>,
    { cache, configure, ...metadata }: CachedAppOptions = {},
  ): Promise<HttpApp> => {
    const imports = [RedisCacheModule.forRoot({ service: 'test', jitter: 0, ...cache }), ...(metadata.imports ?? [])];
    const app = await startHttpApp(adapter, { ...metadata, imports, controllers }, configure);
    open.push(app);
    return app;
  };
}

/** `hit`, or why not: `fwd=…` and the detail, without times. */
export function fateOf({ headers }: { headers: Readonly<Record<string, string | undefined>> }): string {
  return (headers['cache-status'] ?? 'none').replace(/^RedisCache; |; (?:ttl=-?\d+|stored|collapsed)/g, '');
}
