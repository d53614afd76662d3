import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { connectionFormOf } from '../../../lib/options/connection-form.js';
import type { RedisConnectionOptions } from '../../../lib/options/redis-connection.js';

const formOf = (redis: unknown) => connectionFormOf(redis as RedisConnectionOptions);

describe('connectionFormOf', () => {
  it('tells the forms apart', () => {
    expect(formOf({ url: 'redis://localhost:6379' })).toBe('url');
    expect(formOf({ url: 'rediss://user:secret@cache.example:6380/2', tls: {} })).toBe('url');
    expect(formOf({ host: 'localhost', port: 6379 })).toBe('options');
    expect(formOf({})).toBe('options');
    expect(formOf({ sentinels: [{ host: 'a', port: 1 }], name: 'mymaster' })).toBe('sentinels');
    expect(formOf({ nodes: [{ host: 'a', port: 1 }], redisOptions: {} })).toBe('nodes');
  });

  it("knows a client of the application's, bare or wrapped", () => {
    const client = new Redis({ lazyConnect: true });
    const cluster = new Cluster([{ host: 'localhost', port: 1 }], { lazyConnect: true });
    for (const one of [client, cluster]) {
      expect(formOf(one)).toBe('client');
      expect(formOf({ client: one })).toBe('client');
    }
    client.disconnect();
    cluster.disconnect();
  });

  it.each<[string, unknown, string]>([
    ['a string', 'redis://localhost', 'redis is not usable, got "redis://localhost". Write it as { url: … }.'],
    ['a number', 6379, 'redis is not usable, got 6379. Give { url }'],
    ['null', null, 'redis is not usable, got null.'],
    ['an array', [{ host: 'a' }], 'redis is not usable, got an array of 1.'],
    ['two forms', { url: 'redis://a', nodes: [{}] }, 'redis holds nodes and url: these exclude each other.'],
    ['a client that is none', { client: {} }, 'redis.client is not usable, got an object (Object).'],
    ['no nodes', { nodes: [] }, 'redis.nodes is not usable, got an array of 0.'],
    [
      'sentinels without a name',
      { sentinels: [{}] },
      'redis.name is not usable, got undefined. Give the name under which',
    ],
    ['a foreign URL', { url: 'http://a' }, 'redis.url is not usable, got "http://a".'],
    ['an empty URL', { url: '' }, 'redis.url is not usable, got "".'],
  ])('refuses %s', (_case, redis, message) => {
    expect(() => formOf(redis)).toThrow(message);
    expect(() => formOf(redis)).toThrow(expect.objectContaining({ code: 'RC_INVALID_OPTION' }));
  });

  it('shows no password', () => {
    for (const redis of ['redis://user:hunter2@host', { url: 'http://user:hunter2@host' }]) {
      expect(() => formOf(redis)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }));
    }
  });
});
