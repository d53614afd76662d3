import type { Keyspace } from '../../keys/keyspace.js';
import type { RedisConnectionOptions } from '../../options/redis-connection.js';
import type { Clock } from '../../shared/clock.js';
import { CacheError } from '../../shared/errors.js';
import type { LoggerPort } from '../../shared/logger.js';
import { channelConnection, isClusterConnection, type ConnectionPlan, planConnection } from './client-options.js';
import { ClusterTopology } from './cluster-topology.js';
import { Endpoints } from './endpoints.js';
import { KnownPositions } from './known-positions.js';
import { preflight } from './preflight.js';
import { RedisBroadcast } from './redis-broadcast.js';
import { RedisChannel } from './redis-channel.js';
import type { NodeContext } from './node-context.js';
import { type ForeignWritesMeans, RedisForeignWrites } from './redis-foreign-writes.js';
import { messageOf } from './redis-errors.js';
import { RedisRemoteStore } from './redis-remote-store.js';
import type { RedisTopology } from './redis-topology.js';
import { SingleTopology } from './single-topology.js';

export interface OpenRedisOptions {
  /** With one bucket, except for a Cluster: see {@link isClusterConnection}. */
  readonly keyspace: Keyspace;
  readonly commandTimeoutMs: number;
  /** How long a connection is believed after it accepted a write, ms: D of the protocol. @default 1,000 */
  readonly maxAgeMs?: number;
  /** At least the longest that any entry lives, ttl and stale window. @default a day */
  readonly stampLifetimeMs?: number;
  /** How writes of others are told. @default false: they are not */
  readonly foreignWrites?: ForeignWritesMeans | false;
  readonly logger: LoggerPort;
  readonly clock: Clock;
}

const DAY_MS = 86_400_000;
const DEFAULT_MAX_AGE_MS = 1_000;

/**
 * Makes the drivers; they connect when they are opened, and each ends its own connections when it is closed.
 *
 * @throws CacheError RC_INVALID_OPTION
 */
export function openRedis(
  connection: RedisConnectionOptions,
  options: OpenRedisOptions,
): {
  store: RedisRemoteStore;
  channel: RedisChannel;
  broadcast: RedisBroadcast;
  foreignWrites: RedisForeignWrites | null;
} {
  const { keyspace, commandTimeoutMs, logger, clock } = options;
  const plan = planConnection(connection);
  const database = databaseOf(plan);
  const channelOf = channelNames(keyspace, database);
  const isCluster = isClusterConnection(connection);
  const positions = new KnownPositions(keyspace.bucketCount);
  const endpoints = new Endpoints(clock, logger);
  const context: NodeContext = {
    keyspace,
    positions,
    channelOf,
    timeoutMs: commandTimeoutMs,
    endpoints,
    trustMs: options.maxAgeMs ?? DEFAULT_MAX_AGE_MS,
    clock,
    isCluster,
    onRedirect: () => void topology.refresh(),
  };
  const topology = topologyOf(plan, context, clock);
  const store = new RedisRemoteStore({
    topology,
    keyspace,
    timeoutMs: commandTimeoutMs,
    clock,
    endpoints,
    stampLifetimeMs: options.stampLifetimeMs ?? DAY_MS,
    preflight: () => preflight(topology, context, logger),
    lateCheck: () =>
      preflight(topology, context, logger).catch((error: unknown) => {
        logger.error(`Redis is there, and the cache cannot use it: ${messageOf(error)}`);
        return true;
      }),
  });
  const channel = new RedisChannel({
    places: () =>
      topology.owners().map(({ client, buckets }) => ({
        address: client === null ? '' : `${client.options.host}:${client.options.port}`,
        channels: buckets.map(channelOf),
        connect: () => channelConnection(plan, client, commandTimeoutMs),
      })),
    refresh: () => {
      // one server: the connection of the channel finds its way by itself
      if (isCluster) void topology.refresh();
    },
    isSharded: isCluster,
    isServed: () => {
      const nodes = topology.owners().map(({ buckets }) => topology.nodeOf(buckets[0]!));
      return nodes.length > 0 && nodes.every((node) => node?.isReady && node.refusal === null);
    },
    bucketCount: keyspace.bucketCount,
    positions,
    clock,
    logger,
  });
  topology.onChange = () => channel.follow();
  const broadcast = new RedisBroadcast({
    connect: () => {
      const [owner] = topology.owners();
      return owner === undefined ? null : channelConnection(plan, owner.client, commandTimeoutMs);
    },
    clock,
  });
  return { store, channel, broadcast, foreignWrites: foreignWritesOf(plan, options, database) };
}

/** @throws CacheError RC_INVALID_OPTION on Cluster */
function foreignWritesOf(
  plan: ConnectionPlan,
  {
    foreignWrites: means = false,
    keyspace,
    commandTimeoutMs,
    maxAgeMs = DEFAULT_MAX_AGE_MS,
    ...rest
  }: OpenRedisOptions,
  database: number,
): RedisForeignWrites | null {
  if (means === false) return null;
  if (plan.kind !== 'single') {
    throw new CacheError(
      'RC_INVALID_OPTION',
      `foreignWrites is '${means}', which is not for Cluster: there other programs publish to "cache:invalidate" instead. Leave it out.`,
    );
  }
  return new RedisForeignWrites({
    means,
    prefix: keyspace.prefix,
    database,
    connect: () => {
      const connection = channelConnection(plan, null, commandTimeoutMs);
      // the messages of tracking are messages of a channel there
      connection.options.protocol = 2;
      return connection;
    },
    beatEveryMs: maxAgeMs / 4,
    ...rest,
  });
}

function topologyOf(plan: ConnectionPlan, context: NodeContext, clock: Clock): RedisTopology {
  return plan.kind === 'single'
    ? new SingleTopology(plan.create, context, clock)
    : new ClusterTopology(plan.create(), context);
}

/**
 * Pub/sub knows no databases: without this, two applications of one name in two databases of one server would hear of
 * each other's server identities, and each would take its own for outdated.
 */
function channelNames(keyspace: Keyspace, database: number): (bucket: number) => string {
  const names = Array.from({ length: keyspace.bucketCount }, (_, bucket) =>
    database === 0 ? keyspace.channelOf(bucket) : `${keyspace.channelOf(bucket)}:${database}`,
  );
  return (bucket) => names[bucket]!;
}

function databaseOf(plan: ConnectionPlan): number {
  // nothing connects
  return plan.kind === 'single' ? (plan.create().options.db ?? 0) : 0;
}
