import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';

/**
 * Where Redis is: exactly one of these forms. Options of ioredis may be added to each but the last two; the module sets those that
 * its guarantees need (no offline queue, no resending, no key prefix, masters only).
 *
 * - `{ url }` or ioredis options (`host`, `port`, `tls` …): a standalone server
 * - `{ sentinels, name }`: the master that these sentinels name
 * - `{ nodes }`: a Cluster
 * - `{ client }` or a client itself: yours; the module opens connections of its own like it, sends nothing over it, and leaves it open
 *
 * @publicApi
 */
export type RedisConnectionOptions =
  | ({ url: string } & RedisOptions)
  | RedisOptions
  | ({ nodes: ClusterNode[] } & ClusterOptions)
  | { client: Redis | Cluster }
  | Redis
  | Cluster;
