import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import type { RedisConnectionOptions } from '../../../lib/options/redis-connection.js';
import { placesOf } from '../../../lib/stores/redis/connection-places.js';

describe('placesOf', () => {
  it.each<[string, RedisConnectionOptions, string[]]>([
    ['a URL', { url: 'redis://user:secret@Cache.Example:6380/2' }, ['cache.example:6380/2']],
    ['a URL without port', { url: 'redis://localhost' }, ['127.0.0.1:6379/0']],
    ['options', { host: '::1', port: 6380, db: 1 }, ['127.0.0.1:6380/1']],
    ['no options', {}, ['127.0.0.1:6379/0']],
    ['a socket', { path: '/run/redis.sock' }, ['/run/redis.sock/0']],
    [
      'sentinels',
      { sentinels: [{ host: 'a', port: 1 }, { host: 'b' }], name: 'm' },
      ['m/0 of the sentinel a:1', 'm/0 of the sentinel b:26379'],
    ],
    [
      'nodes',
      { nodes: [{ host: 'a', port: 1 }, { host: 'b' }, 7000, 'c', 'd:7001', 'redis://u:p@ss@e:7002/0'] },
      ['a:1', 'b:6379', '127.0.0.1:7000', 'c:6379', 'd:7001', 'e:7002'].map((node) => `the Cluster of ${node}`),
    ],
  ])('reads %s', (_case, connection, places) => {
    expect(placesOf(connection)).toEqual(places);
  });

  it('finds what the options of a client say', () => {
    const client = new Redis('redis://localhost:6380/3', { lazyConnect: true });
    const cluster = new Cluster([{ host: 'a', port: 1 }], { lazyConnect: true });
    expect(placesOf(client)).toEqual(placesOf({ host: '127.0.0.1', port: 6380, db: 3 }));
    expect(placesOf({ client: cluster })).toEqual(placesOf({ nodes: [{ host: 'a', port: 1 }] }));
    client.disconnect();
    cluster.disconnect();
  });
});
