import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';

/** Options of a client of ioredis. @publicApi */
export type ClientOptions = RedisOptions;

/** A login. @publicApi */
export interface RedisCredentials {
  username?: string | null | undefined;
  password?: string | null | undefined;
}

/** @publicApi */
export interface RedisCredentialsOption {
  /**
   * Asked for the login before each connection, the channel's and those to the nodes of a Cluster included: for
   * passwords that live for minutes. In the place of `username` and `password`.
   */
  credentials?: () => RedisCredentials | Promise<RedisCredentials>;
}

/** @publicApi */
export interface RedisUrlOption {
  /**
   * A standalone server, such as `redis://user:password@host:6379/0`; `rediss://` for TLS. Special characters are
   * percent-encoded.
   */
  url: string;
}

/** @publicApi */
export interface RedisNodesOption {
  /** Some nodes of a Cluster, such as `{ host, port }`; the others are found through these. */
  nodes: ClusterNode[];
}

/** @publicApi */
export interface RedisClientOption {
  /**
   * A `Redis` or `Cluster` of ioredis that is yours: its options are taken, nothing is sent over it, and it stays open.
   */
  client: RedisClient;
}

/**
 * Where Redis is: exactly one of these forms. Options of ioredis and `credentials` may be added to each but the last
 * two; the module sets those that its guarantees need (no offline queue, no resending, no key prefix, masters only).
 *
 * - `{ url }` or ioredis options (`host`, `port`, `tls` …): a standalone server
 * - `{ sentinels, name }`: the master that these sentinels name
 * - `{ nodes }`: a Cluster
 * - `{ client }` or a client itself: yours; the module opens connections of its own like it, sends nothing over it, and
 * leaves it open
 *
 * @publicApi
 */
export type RedisConnectionOptions =
  | (RedisUrlOption & RedisOptions & RedisCredentialsOption)
  | (RedisOptions & RedisCredentialsOption)
  | (RedisNodesOption & ClusterOptions & RedisCredentialsOption)
  | RedisClientOption
  | RedisClient;

/**
 * A client of the application's: a `Redis` or `Cluster` of ioredis, 5 or 6. Only by one thing that tells it apart, so
 * that editors offer the other forms.
 *
 * @publicApi
 */
export interface RedisClient {
  /** Of a client that is given as it is, in the place of options. Nothing to write here. */
  duplicate(...args: never[]): unknown;
}
