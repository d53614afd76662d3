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
    ['an unset URL', { url: undefined }, 'redis.url is not usable, got undefined. Nothing else says where Redis is.'],
    ['an unset URL beside a port', { url: null, port: 6379 }, 'redis.url is not usable, got null.'],
    ['an unset client', { client: undefined }, 'leave `redis` out for the embedded store.'],
    ['unset sentinels', { sentinels: undefined, name: 'mymaster' }, 'redis.sentinels is not usable, got undefined.'],
    ['unset nodes', { nodes: undefined }, 'redis.nodes is not usable, got undefined.'],
    ['an unset host', { host: undefined, port: 6379 }, 'redis.host is not usable, got undefined.'],
    ['an unset port alone', { port: undefined, db: 1 }, 'redis.port is not usable, got undefined.'],
    ['a misspelt URL', { ulr: 'redis://a' }, 'redis.ulr is not an option, got "redis://a". Did you mean "url"?'],
    [
      'a misspelt client',
      { Client: {} },
      'redis.Client is not an option, got an object (Object). Did you mean "client"?',
    ],
    ['a misspelt port', { host: 'a', prot: 6380 }, 'redis.prot is not an option, got 6380. Did you mean "port"?'],
    ['misspelt hosts', { hosts: ['a'] }, 'redis.hosts is not an option, got an array of 1. Did you mean "host"?'],
    ['misspelt nodes', { node: [] }, 'Did you mean "nodes"?'],
    ['misspelt sentinels', { sentinel: [{}], name: 'm' }, 'Did you mean "sentinels"?'],
  ])('refuses %s', (_case, redis, message) => {
    expect(() => formOf(redis)).toThrow(message);
    expect(() => formOf(redis)).toThrow(expect.objectContaining({ code: 'RC_INVALID_OPTION' }));
  });

  it('takes an unset place where another one says where Redis is', () => {
    expect(formOf({ url: undefined, host: 'a' })).toBe('options');
    expect(formOf({ url: 'redis://a', host: undefined, nodes: undefined })).toBe('url');
    expect(formOf({ host: 'a', port: undefined })).toBe('options');
    expect(formOf({ path: '/run/redis.sock', host: undefined })).toBe('options');
  });

  it('takes every option of ioredis', () => {
    const client = new Redis({ lazyConnect: true });
    const cluster = new Cluster([{ host: 'localhost', port: 1 }], { lazyConnect: true });
    const others = {
      tls: {},
      sentinelTLS: {},
      sentinelUsername: 'u',
      sentinelPassword: 'p',
      sentinelCommandTimeout: 1,
    };
    expect(formOf({ ...client.options, ...others })).toBe('options');
    expect(formOf({ nodes: [{}], ...cluster.options, slotsRefreshInterval: 1, redisOptions: {} })).toBe('nodes');
    client.disconnect();
    cluster.disconnect();
  });

  it.each(['hunter2', 'hunt/er2', 'hunt@er2', 'hunt\ner2'])('shows nothing of the password %j', (password) => {
    const url = `redis://alice:${password}@host:port`;
    for (const redis of [url, { url }, { ulr: url }, { url: url.replace('redis', 'http') }, { nodes: url }]) {
      expect(() => formOf(redis)).toThrow('//…@host:port');
      expect(() => formOf(redis)).toThrow(
        expect.objectContaining({ message: expect.not.stringMatching(/alice|hunt|er2/) }),
      );
    }
  });
});
