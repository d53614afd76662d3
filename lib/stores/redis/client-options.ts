import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { defaultRetry } from '../../options/cache-client-options.js';
import { connectionFormOf } from '../../options/connection-form.js';
import type { RedisConnectionOptions } from '../../options/redis-connection.js';
import { parseRedisUrl } from '../../options/redis-url.js';
import { CacheError } from '../../shared/errors.js';
import { clusterWithCredentials, type CredentialSource, withCredentials } from './credentials.js';

/** How connections are made, none of which the application shares. */
export type ConnectionPlan =
  | { readonly kind: 'single'; readonly create: () => Redis }
  | { readonly kind: 'cluster'; readonly create: () => Cluster; readonly nodes: readonly ClusterNode[] };

type Asking = { credentials?: CredentialSource };
type ClusterForm = { nodes: ClusterNode[] } & ClusterOptions & Asking;

/** @returns whether the options lead to a Cluster, whose keys lie in several buckets */
export function isClusterConnection(options: RedisConnectionOptions): boolean {
  const client = clientOf(options);
  return client === null ? connectionFormOf(options) === 'nodes' : client.isCluster;
}

/**
 * A client that is passed in says where Redis is, and how to log in; commands never go over it. It may be inside a
 * MULTI, in another database, or queue what it cannot send (docs/decisions/0019).
 *
 * @throws CacheError RC_INVALID_OPTION
 */
export function planConnection(options: RedisConnectionOptions): ConnectionPlan {
  const client = clientOf(options);
  if (client !== null) {
    refusePrefix(client.options.keyPrefix);
    return client.isCluster ? planOfCluster(client as Cluster) : planOfClient(client as Redis);
  }
  if (isClusterConnection(options)) {
    const { nodes, credentials, ...rest } = options as ClusterForm;
    const all = clusterOptions(rest, rest.redisOptions);
    const create = () => new Cluster(nodes, all);
    return {
      kind: 'cluster',
      nodes,
      create: credentials ? () => clusterWithCredentials(create(), credentials) : create,
    };
  }
  const { url, credentials, ...rest } = options as { url?: string | null } & RedisOptions & Asking;
  refusePrefix(rest.keyPrefix);
  const all: RedisOptions = { ...defaults, ...rest, ...optionsOfUrl(url, rest.tls), ...needed, role: 'master' };
  const create = () => new Redis(all);
  return { kind: 'single', create: credentials ? () => withCredentials(create(), credentials) : create };
}

function planOfClient(client: Redis): ConnectionPlan {
  const all: Partial<RedisOptions> = { ...defaults, ...needed, role: 'master' };
  // the application may keep the login of its client fresh
  return { kind: 'single', create: () => withCredentials(client.duplicate(all), () => client.options) };
}

function planOfCluster(client: Cluster): ConnectionPlan {
  const all = clusterOptions(client.options, { ...client.options.redisOptions, ...defaults });
  const nodes = (client as unknown as { startupNodes?: ClusterNode[] }).startupNodes ?? [];
  const login = () => client.options.redisOptions ?? {};
  return { kind: 'cluster', nodes, create: () => clusterWithCredentials(client.duplicate([], all), login) };
}

function clusterOptions(given: ClusterOptions, nodeOptions: RedisOptions = {}): ClusterOptions {
  refusePrefix(given.keyPrefix ?? nodeOptions.keyPrefix);
  return {
    slotsRefreshTimeout: 1_000,
    slotsRefreshInterval: 5_000,
    ...given,
    clusterRetryStrategy: (attempt) => Math.min(100 * attempt, 500),
    scaleReads: 'master',
    lazyConnect: true,
    redisOptions: { ...defaults, ...nodeOptions, ...needed },
  };
}

function optionsOfUrl(url: string | null | undefined, tls: RedisOptions['tls']): RedisOptions {
  if (url == null) return {};
  const { isTls, options, ...place } = parseRedisUrl(url, 'redis.url');
  return { ...options, ...place, ...(isTls ? { tls: tls ?? {} } : {}) };
}

/** What may be chosen otherwise. */
const defaults: RedisOptions = {
  connectTimeout: 2_000,
  keepAlive: 10_000,
  retryStrategy: defaultRetry,
  // leaves a live master that was demoted; without effect where no sentinels are given
  failoverDetector: true,
};

/**
 * What the guarantees need (PROTOCOL 5): nothing waits for a connection, nothing is sent twice, no call hangs, masters
 * only. Deadlines and dead sockets are ours (answer-deadlines.ts): the timers of ioredis count time in which the event
 * loop was blocked.
 */
const needed: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: undefined,
  socketTimeout: undefined,
  disconnectTimeout: 200,
  enableAutoPipelining: false,
  stringNumbers: false,
  readOnly: false,
  monitor: false,
  keyPrefix: '',
};

/**
 * A connection for the channel; on Cluster like the one to the node, credentials included, and once: when it ends,
 * another node may be the right one.
 */
export function channelConnection(plan: ConnectionPlan, node: Redis | null, commandTimeoutMs: number): Redis {
  const bounds: RedisOptions = {
    ...needed,
    commandTimeout: commandTimeoutMs,
    socketTimeout: Math.max(1_000, 4 * commandTimeoutMs),
    autoResubscribe: false,
  };
  if (node !== null) return node.duplicate({ ...bounds, retryStrategy: () => null });
  if (plan.kind !== 'single') throw new RangeError('the channel of a Cluster leads to one of its nodes');
  const connection = plan.create();
  Object.assign(connection.options, bounds);
  return connection;
}

function clientOf(options: RedisConnectionOptions): Redis | Cluster | null {
  // a client itself also has a `client`: the method of the command CLIENT
  if (isClient(options)) return options;
  return 'client' in options && isClient(options.client) ? options.client : null;
}

function isClient(candidate: unknown): candidate is Redis | Cluster {
  return typeof (candidate as Partial<Redis> | null)?.sendCommand === 'function';
}

function refusePrefix(keyPrefix: string | undefined): void {
  if (!keyPrefix) return;
  throw new CacheError(
    'RC_INVALID_OPTION',
    `redis.keyPrefix must not be set, got ${JSON.stringify(keyPrefix)}: every key begins with the service's name, and messages carry whole keys. ` +
      `Use \`service\` to tell applications apart.`,
  );
}
