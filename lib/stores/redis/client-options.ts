import { Cluster, type ClusterNode, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { connectionFormOf } from '../../options/connection-form.js';
import type { RedisConnectionOptions } from '../../options/redis-connection.js';
import { CacheError } from '../../shared/errors.js';
import type { LoggerPort } from '../../shared/logger.js';

/** Whose client it is decides who closes it. */
export type ConnectionPlan =
  | { readonly kind: 'client'; readonly client: Redis }
  | { readonly kind: 'cluster-client'; readonly client: Cluster }
  | { readonly kind: 'single'; readonly create: () => Redis }
  | {
      readonly kind: 'cluster';
      readonly create: () => Cluster;
      readonly nodeOptions: RedisOptions;
    };

type ClusterForm = { nodes: ClusterNode[] } & ClusterOptions;

/** @returns whether the options lead to a Cluster, whose keys lie in several buckets */
export function isClusterConnection(options: RedisConnectionOptions): boolean {
  const client = clientOf(options);
  return client === null ? connectionFormOf(options) === 'nodes' : client.isCluster;
}

/**
 * @param commandTimeoutMs bound of one answer; the node keeps it (redis-node.ts), not the client, whose timer takes an answer that waits
 *   behind a busy event loop for a missing one
 * @throws CacheError RC_INVALID_OPTION for a `keyPrefix`
 */
export function planConnection(options: RedisConnectionOptions, commandTimeoutMs: number): ConnectionPlan {
  const needed = { ...neededOptions(commandTimeoutMs), commandTimeout: undefined };
  const client = clientOf(options);
  if (client !== null) {
    refusePrefix(client.options.keyPrefix);
    return client.isCluster
      ? { kind: 'cluster-client', client: client as Cluster }
      : { kind: 'client', client: client as Redis };
  }
  if (isClusterConnection(options)) {
    const { nodes, ...rest } = options as ClusterForm;
    refusePrefix(rest.keyPrefix ?? rest.redisOptions?.keyPrefix);
    const nodeOptions: RedisOptions = { ...defaults, ...rest.redisOptions, ...needed };
    return {
      kind: 'cluster',
      nodeOptions,
      create: () =>
        new Cluster(nodes, {
          slotsRefreshTimeout: 1_000,
          slotsRefreshInterval: 5_000,
          clusterRetryStrategy: (attempt) => Math.min(100 * attempt, 500),
          ...rest,
          scaleReads: 'master',
          lazyConnect: true,
          redisOptions: nodeOptions,
        }),
    };
  }
  const { url, ...rest } = options as { url?: string | null } & RedisOptions;
  refusePrefix(rest.keyPrefix);
  return {
    kind: 'single',
    create: () => {
      const all: RedisOptions = { ...defaults, ...rest, ...needed, role: 'master', lazyConnect: true };
      return url == null ? new Redis(all) : new Redis(url, all);
    },
  };
}

/** What may be chosen otherwise. */
const defaults: RedisOptions = {
  connectTimeout: 2_000,
  keepAlive: 10_000,
  // back within half a second of the server's return
  retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt - 1, 3), 400) + Math.random() * 50,
  // leaves a live master that was demoted; without effect where no sentinels are given
  failoverDetector: true,
};

/**
 * What the guarantees need (PROTOCOL 5): nothing waits for a connection, nothing is sent twice, no call hangs. A dead socket is found by
 * answer-deadlines.ts: the timer of ioredis counts time in which the event loop was blocked.
 */
function neededOptions(commandTimeoutMs: number): RedisOptions {
  return {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    disconnectTimeout: 200,
    enableAutoPipelining: false,
    stringNumbers: false,
    readOnly: false,
  };
}

/**
 * A connection for the channel; on Cluster like the one to the node, credentials included, and once: when it ends, another node may be the
 * right one.
 */
export function channelConnection(plan: ConnectionPlan, node: Redis | null, commandTimeoutMs: number): Redis {
  const socketTimeout = Math.max(1_000, 4 * commandTimeoutMs);
  const needed: RedisOptions = {
    ...neededOptions(commandTimeoutMs),
    socketTimeout,
    lazyConnect: true,
    autoResubscribe: false,
  };
  if (node !== null) return node.duplicate({ ...needed, readOnly: false, retryStrategy: () => null });
  if (plan.kind === 'client') return plan.client.duplicate({ ...defaults, ...needed });
  if (plan.kind !== 'single') throw new RangeError('the channel of a Cluster leads to one of its nodes');
  const connection = plan.create();
  connection.options.autoResubscribe = false;
  connection.options.commandTimeout = commandTimeoutMs;
  connection.options.socketTimeout = socketTimeout;
  return connection;
}

/** Says once which of the needed options a client of the application's does not have. */
export function warnOfMissingOptions(client: Redis | Cluster, logger: LoggerPort): void {
  const options: RedisOptions = client.isCluster
    ? ((client as Cluster).options.redisOptions ?? {})
    : (client as Redis).options;
  const missing: string[] = [];
  if (!client.isCluster) {
    if (options.enableOfflineQueue !== false) missing.push('enableOfflineQueue: false');
    if (options.autoResendUnfulfilledCommands !== false) missing.push('autoResendUnfulfilledCommands: false');
    if (options.maxRetriesPerRequest !== 0) missing.push('maxRetriesPerRequest: 0');
  }
  if (typeof options.commandTimeout !== 'number') missing.push('commandTimeout');
  if (missing.length > 0) {
    logger.warn(
      `The Redis client that was passed in lacks ${missing.join(', ')}. The cache stays correct, but answers may be late when Redis is away or hangs; ` +
        `set them, or pass connection options instead of a client.`,
    );
  }
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
