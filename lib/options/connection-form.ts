import { CacheError, describeValue } from '../shared/errors.js';
import type { RedisConnectionOptions } from './redis-connection.js';

/** Which of the forms of {@link RedisConnectionOptions} an application wrote. */
export type ConnectionForm = 'client' | 'nodes' | 'sentinels' | 'url' | 'options';

/**
 * Told apart by structure, since two copies of ioredis may be loaded.
 *
 * @throws CacheError RC_INVALID_OPTION when it is none, or more than one
 */
export function connectionFormOf(redis: RedisConnectionOptions): ConnectionForm {
  if (typeof redis === 'string') throw invalid('redis', redactUrl(redis), 'Write it as { url: … }.');
  if (typeof redis !== 'object' || redis === null || Array.isArray(redis)) throw invalid('redis', redis);
  if (isClient(redis)) return 'client';
  const given = redis as { client?: unknown; nodes?: unknown; sentinels?: unknown; name?: unknown; url?: unknown };
  const forms = (['client', 'nodes', 'sentinels', 'url'] as const).filter((form) => given[form] !== undefined);
  if (forms.length > 1) {
    throw new CacheError(
      'RC_INVALID_OPTION',
      `redis holds ${forms.join(' and ')}: these exclude each other. Keep one of them.`,
    );
  }
  const form = forms[0];
  if (form === 'client' && !isClient(given.client)) {
    throw invalid('redis.client', given.client, 'Give a Redis or Cluster object of ioredis.');
  }
  if ((form === 'nodes' || form === 'sentinels') && !(Array.isArray(given[form]) && given[form].length > 0)) {
    throw invalid(`redis.${form}`, given[form], `Give a list of at least one { host, port }.`);
  }
  if (form === 'sentinels' && !(typeof given.name === 'string' && given.name)) {
    throw invalid(
      'redis.name',
      given.name,
      `Give the name under which the sentinels know the master, such as 'mymaster'.`,
    );
  }
  if (form === 'url' && !isRedisUrl(given.url)) {
    throw invalid(
      'redis.url',
      redactUrl(given.url),
      `Write a URL such as 'redis://localhost:6379' or 'rediss://…' for TLS.`,
    );
  }
  return form ?? 'options';
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

function isRedisUrl(url: unknown): boolean {
  return typeof url === 'string' && /^rediss?:\/\//i.test(url) && URL.canParse(url);
}

/** A URL may hold a password, which belongs into no message. */
function redactUrl(url: unknown): unknown {
  return typeof url === 'string' ? url.replace(/\/\/[^@/]*@/, '//…@') : url;
}

function invalid(option: string, got: unknown, cure = ''): CacheError {
  const forms =
    'Give { url }, options of ioredis such as { host, port }, { sentinels, name }, { nodes }, or a client; leave it out for the embedded store.';
  return new CacheError('RC_INVALID_OPTION', `${option} is not usable, got ${describeValue(got)}. ${cure || forms}`);
}
