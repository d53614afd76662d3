import { CacheError, describeValue } from '../shared/errors.js';
import { didYouMean } from '../shared/nearest-name.js';
import { givenTwice, parseRedisUrl } from './redis-url.js';
import type { RedisConnectionOptions } from './redis-connection.js';

/** Which of the forms of {@link RedisConnectionOptions} an application wrote. */
export type ConnectionForm = 'client' | 'nodes' | 'sentinels' | 'url' | 'options';

/**
 * Told apart by structure, since two copies of ioredis may be loaded.
 *
 * @throws CacheError RC_INVALID_OPTION when it is none, or more than one, or names no place because what should is
 * undefined
 */
export function connectionFormOf(redis: RedisConnectionOptions): ConnectionForm {
  if (typeof redis === 'string') throw invalid('redis', redis, 'Write it as { url: … }.');
  if (typeof redis !== 'object' || redis === null || Array.isArray(redis)) throw invalid('redis', redis);
  if (isClient(redis)) return 'client';
  const given = redis as Given;
  checkNames(given);
  checkNumbers(given, 'redis');
  if (typeof given.redisOptions === 'object' && given.redisOptions !== null)
    checkNumbers(given.redisOptions as Record<string, unknown>, 'redis.redisOptions');
  const forms = FORMS.filter((form) => given[form] != null);
  if (forms.length > 1) {
    throw new CacheError(
      'RC_INVALID_OPTION',
      `redis holds ${forms.join(' and ')}: these exclude each other. Keep one of them.`,
    );
  }
  const form = forms[0] ?? 'options';
  checkForm(form, given);
  checkCredentials(form, given);
  return form;
}

const FORMS = ['client', 'nodes', 'sentinels', 'url'] as const;

/** Each says by itself where Redis is. A port does so only where no host was to be given. */
const PLACES = [...FORMS, 'host', 'path'] as const;

type Given = Partial<
  Record<(typeof PLACES)[number] | 'name' | 'port' | 'db' | 'redisOptions' | 'credentials', unknown>
>;

function checkForm(form: ConnectionForm, given: Given): void {
  switch (form) {
    case 'client':
      if (isClient(given.client)) return;
      throw invalid('redis.client', given.client, 'Give a Redis or Cluster object of ioredis.');
    case 'url':
      if (parseRedisUrl(given.url, 'redis.url').db !== undefined && given.db != null) {
        throw givenTwice('redis.url and redis.db both name a database');
      }
      return;
    case 'nodes':
    case 'sentinels': {
      const list = given[form];
      if (!(Array.isArray(list) && list.length > 0)) {
        throw invalid(`redis.${form}`, list, `Give a list of at least one { host, port }.`);
      }
      if (form === 'nodes') return checkNodes(list);
      if (typeof given.name === 'string' && given.name) return;
      throw invalid(
        'redis.name',
        given.name,
        `Give the name under which the sentinels know the master, such as 'mymaster'.`,
      );
    }
    case 'options': {
      // ioredis would go to localhost, where an unset variable of the environment is the usual cause
      const unset = [...PLACES, 'port' as const].find((name) => name in given && given[name] == null);
      if (unset === undefined || PLACES.some((place) => given[place] != null)) return;
      throw invalid(
        `redis.${unset}`,
        given[unset],
        'Nothing else says where Redis is. Set it, or leave `redis` out for the embedded store.',
      );
    }
  }
}

function checkCredentials(form: ConnectionForm, given: Given): void {
  const { credentials, redisOptions } = given;
  if (credentials === undefined) return;
  if (form === 'client') {
    throw new CacheError(
      'RC_INVALID_OPTION',
      'redis.credentials stands beside a client, whose own login is used: keep `client.options.password` fresh, or give options in the place of the client.',
    );
  }
  if (typeof credentials !== 'function') {
    throw invalid(
      'redis.credentials',
      credentials,
      'Give a function that returns { username?, password }, or a promise of it.',
    );
  }
  const fromUrl = form === 'url' ? parseRedisUrl(given.url, 'redis.url') : {};
  for (const place of [given, fromUrl, redisOptions ?? {}] as { username?: unknown; password?: unknown }[]) {
    if (place.username || place.password)
      throw givenTwice('redis.credentials and a user name or password beside it both log in');
  }
}

/** ioredis takes any name: one that is nearly a place would be passed over in silence. */
function checkNames(given: Given): void {
  const names: readonly string[] = [...PLACES, 'port'];
  for (const [name, value] of Object.entries(given)) {
    if (names.includes(name) || name === 'sentinelTLS') continue;
    const meant = didYouMean(name, names);
    if (meant === '') continue;
    throw new CacheError('RC_INVALID_OPTION', `redis.${name} is not an option, got ${describeValue(value)}.${meant}`);
  }
}

function isClient(value: unknown): value is object {
  const client = value as Partial<Record<'sendCommand' | 'duplicate' | 'disconnect', unknown>> | null;
  return (
    typeof client === 'object' &&
    client !== null &&
    typeof client.sendCommand === 'function' &&
    typeof client.duplicate === 'function' &&
    typeof client.disconnect === 'function'
  );
}

/** ioredis hands them to timers and sockets, where a text is a TypeError that nobody can catch. */
function checkNumbers(given: Readonly<Record<string, unknown>>, path: string): void {
  for (const name of NUMBERS) {
    const value = given[name];
    if (value == null || (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value))) continue;
    // ioredis reads these two from text, as they come from the environment
    if ((name === 'port' || name === 'db') && typeof value === 'string' && /^\d+$/.test(value)) continue;
    throw invalid(`${path}.${name}`, value, 'Give a whole number.');
  }
}

const NUMBERS = [
  'port',
  'db',
  'family',
  'connectTimeout',
  'disconnectTimeout',
  'commandTimeout',
  'socketTimeout',
  'keepAlive',
  'maxLoadingRetryTime',
  'sentinelCommandTimeout',
  'slotsRefreshTimeout',
  'slotsRefreshInterval',
] as const;

/**
 * Node's own options are used for the first connection, so that a key prefix in one would hold for some keys and not
 * for others.
 */
function checkNodes(nodes: readonly unknown[]): void {
  for (const [n, node] of nodes.entries()) {
    const option = `redis.nodes[${n}]`;
    if (typeof node === 'string' && node.includes('/')) {
      const { db, options } = parseRedisUrl(node, option);
      if (db || Object.keys(options).length > 0) {
        throw new CacheError(
          'RC_INVALID_OPTION',
          `${option} names a database or options. A Cluster has database 0 only, and options of its nodes stand in redis.redisOptions.`,
        );
      }
    } else if (typeof node === 'object' && node !== null) {
      checkNumbers(node as Record<string, unknown>, option);
      const { keyPrefix } = node as { keyPrefix?: unknown };
      if (keyPrefix) throw invalid(`${option}.keyPrefix`, keyPrefix, 'Use `service` to tell applications apart.');
    }
  }
}

function invalid(option: string, got: unknown, cure = ''): CacheError {
  const forms =
    'Give { url }, options of ioredis such as { host, port }, { sentinels, name }, { nodes }, or a client; leave it out for the embedded store.';
  return new CacheError('RC_INVALID_OPTION', `${option} is not usable, got ${describeValue(got)}. ${cure || forms}`);
}
