import { Controller, Get, Module, Param, type Type, UseInterceptors } from '@nestjs/common';
import { packageOfPeers } from './peers.js';

type Find = (bytes: string, id: string) => Promise<object | undefined>;

/** Nest's own cache interceptor in memory and on Redis, beside ours. Empty where bench/peers is not installed. */
export async function nestCacheManager(url: string, find: Find): Promise<Type[]> {
  const manager = await packageOfPeers('@nestjs/cache-manager').catch(() => null);
  if (manager === null) {
    console.log('@nestjs/cache-manager is left out: npm install --no-package-lock --prefix bench/peers');
    return [];
  }
  const { createKeyv } = await packageOfPeers('@keyv/redis');
  const { CacheableMemory } = await packageOfPeers('cacheable');
  const { Keyv } = await packageOfPeers('keyv');
  const HOUR_MS = 3_600_000;

  const cached = (path: string, store: unknown): Type => {
    @Controller(path)
    @UseInterceptors(manager.CacheInterceptor)
    class Managed {
      @Get(':bytes/:id') find(@Param('bytes') bytes: string, @Param('id') id: string) {
        return find(bytes, id);
      }
    }
    @Module({
      imports: [manager.CacheModule.register({ stores: [store], ttl: HOUR_MS })],
      controllers: [Managed],
    })
    class ManagedModule {}
    return ManagedModule;
  };
  return [
    cached('manager-memory', new Keyv({ store: new CacheableMemory({ ttl: HOUR_MS, lruSize: 10_000 }) })),
    cached('manager-redis', createKeyv(url, { namespace: 'manager' })),
  ];
}
