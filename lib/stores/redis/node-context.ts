import type { Keyspace } from '../../keys/keyspace.js';
import type { Clock } from '../../shared/clock.js';
import type { Endpoints } from './endpoints.js';
import type { KnownPositions } from './known-positions.js';

/** What every node of a store shares. */
export interface NodeContext {
  readonly keyspace: Keyspace;
  readonly positions: KnownPositions;
  /** The pub/sub channel of a bucket. */
  readonly channelOf: (bucket: number) => string;
  /** Bound of one answer, ms. */
  readonly timeoutMs: number;
  /** How long a connection is believed after it accepted a function for writing, ms (R20). */
  readonly trustMs: number;
  readonly clock: Clock;
  readonly endpoints: Endpoints;
  /**
   * True where a node is one of a Cluster: commands may be given to its connection while that is being made, and its
   * server has to be of a Cluster.
   */
  readonly isCluster: boolean;
  /** A read was answered by a redirection: this server does not own the bucket (now). */
  readonly onRedirect: () => void;
}
