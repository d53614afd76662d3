import { describe, expect, it } from '@jest/globals';
import { connectionFormOf } from '../../../lib/options/connection-form.js';
import type { RedisConnectionOptions } from '../../../lib/options/redis-connection.js';
import { parseRedisUrl } from '../../../lib/options/redis-url.js';

const parse = (url: string) => parseRedisUrl(url, 'redis.url');
const formOf = (redis: unknown) => connectionFormOf(redis as RedisConnectionOptions);

describe('parseRedisUrl', () => {
  it.each([
    ['redis://localhost', { host: 'localhost', isTls: false, options: {} }],
    ['REDISS://cache.example:6380/2', { host: 'cache.example', port: 6380, db: 2, isTls: true, options: {} }],
    ['redis://[::1]:6380', { host: '::1', port: 6380, isTls: false, options: {} }],
    ['redis://:p%23%25%2F%40%3Fss@a/', { host: 'a', username: '', password: 'p#%/@?ss', isTls: false, options: {} }],
    ['redis://alice@a?db=3', { host: 'a', username: 'alice', password: '', db: 3, isTls: false, options: {} }],
    [
      'redis://a/?connectTimeout=5000&noDelay=false&family=6&connectionName=shop',
      {
        host: 'a',
        isTls: false,
        options: { connectTimeout: 5000, noDelay: false, family: 6, connectionName: 'shop' },
      },
    ],
  ])('reads %s', (url, parts) => {
    expect(parse(url)).toEqual(parts);
  });

  it.each([
    ['an unknown option', 'redis://a?timeouts=5', 'has "timeouts" in its query, which is not an option there.'],
    ['a misspelt option', 'redis://a?conectTimeout=5', 'Did you mean "connectTimeout"?'],
    ['a key prefix', 'redis://a/?keyPrefix=shop:', 'sets keyPrefix'],
    ['a key prefix in another case', 'redis://a/?keyprefix=shop:', 'sets keyPrefix'],
    ['an inherited name', 'redis://a?constructor=1', 'has "constructor" in its query'],
    [
      'a number that is none',
      'redis://a?connectTimeout=5s',
      'has connectTimeout="5s" in its query; give a whole number',
    ],
    ['a flag that is none', 'redis://a?noDelay=1', 'give true or false'],
    ['an option twice', 'redis://a?family=4&family=6', 'has family twice'],
    ['a database twice', 'redis://a/1?db=1', 'names a database in its path and in its query'],
    ['a database by name', 'redis://a/users', 'Its path must be the number of a database'],
    ['a unix socket', 'unix:///run/redis.sock', "write redis: { path: '/run/redis.sock' }"],
    ['a unix socket with a scheme of its own', 'redis+unix:///run/redis.sock', '{ path:'],
    ['the path of a socket', '/run/redis.sock', '{ path:'],
    ['another scheme', 'http://a', "Write a URL such as 'redis://localhost:6379'"],
  ])('refuses %s', (_, url, message) => {
    expect(() => parse(url)).toThrow(message);
    expect(() => parse(url)).toThrow(expect.objectContaining({ code: 'RC_INVALID_OPTION' }));
  });

  it.each([
    ['redis://alice:hun#ter2@a:6379', 'It holds a raw #; in user name and password write %23.'],
    ['redis://alice:12#ter2@a', 'write %23'],
    ['redis://alice:hunter2#', 'write %23'],
    ['redis://alice:hun%ter2@a', 'write %25'],
    ['redis://alice:hunter2%@a', 'write %25'],
    ['redis://alice:hunter2%ff@a', 'not a UTF-8 character'],
    ['redis://alice:12?ter2@a', '? is %3F'],
    ['redis://alice:12/ter2@a', '/ is %2F'],
    ['redis://alice:hun?ter2@a?keyPrefix=x', '? is %3F'],
  ])('says what is wrong with %s, and shows no secret', (url, message) => {
    expect(() => parse(url)).toThrow(message);
    expect(() => parse(url)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/alice|hun|ter2|12/) }),
    );
  });
});

describe('what a connection says', () => {
  it.each([
    ['a database in url and options', { url: 'redis://a/1', db: 2 }, 'redis.url and redis.db both name a database'],
    ['a text for a number', { host: 'a', connectTimeout: '5000' }, 'redis.connectTimeout is not usable, got "5000".'],
    ['a number that is none', { host: 'a', port: NaN }, 'redis.port is not usable, got NaN.'],
    [
      'a text for a number of nodes',
      { nodes: [{ host: 'a' }], redisOptions: { keepAlive: '1' } },
      'redis.redisOptions.keepAlive',
    ],
    ['a key prefix of a node', { nodes: [{ host: 'a', keyPrefix: 'x' }] }, 'redis.nodes[0].keyPrefix'],
    ['options in the URL of a node', { nodes: ['redis://a?family=6'] }, 'redis.nodes[0] names a database or options'],
    ['a key prefix in the URL of a node', { nodes: ['redis://a?keyPrefix=x'] }, 'redis.nodes[0] sets keyPrefix'],
  ])('is refused for %s', (_, redis, message) => {
    expect(() => formOf(redis)).toThrow(message);
  });

  it('may give a port and a database as text, as they come from the environment', () => {
    expect(formOf({ host: 'a', port: '6380', db: '1' })).toBe('options');
  });
});
