import type { Cluster, Redis } from 'ioredis';
import type { RedisCredentials } from '../../options/redis-connection.js';
import { CacheError, describeValue } from '../../shared/errors.js';
import { withTimeout } from './deadline.js';
import { messageOf } from './redis-errors.js';

/** How long the answer to who we are may take, ms. */
const ASKED_MS = 5_000;
const RETRY_MS = 1_000;

/** Where a login comes from, asked before each connection. */
export type CredentialSource = () => RedisCredentials | Promise<RedisCredentials>;

/** What ioredis has of a connection that it makes: the same in 5.4 and 6. */
interface Inward {
  readonly connector: { connect(emit: unknown): Promise<unknown>; disconnect(): void };
  /** What the handshake says; made anew by each `connect`, before the connector is asked. */
  readonly condition: { auth?: string | [string, string] | undefined };
}

/** Lets a client, and every client that is made like it, ask for its login before each connection. */
export function withCredentials<T extends Redis>(client: T, source: CredentialSource): T {
  const inward = client as unknown as Inward;
  const { connector } = inward;
  const connect = connector.connect.bind(connector);
  const disconnect = connector.disconnect.bind(connector);
  const duplicate = client.duplicate.bind(client);
  let isEnded = false;
  client.duplicate = (override) => withCredentials(duplicate(override), source);
  connector.disconnect = () => {
    isEnded = true;
    disconnect();
  };
  connector.connect = async (emit) => {
    isEnded = false;
    for (let attempt = 1; !isEnded; attempt++) {
      try {
        const { username, password } = await withTimeout(asked(source), ASKED_MS);
        client.options.username = username ?? undefined;
        client.options.password = password ?? undefined;
        const secret = password ?? undefined;
        inward.condition.auth = username && secret !== undefined ? [username, secret] : secret;
        if (!isEnded) return connect(emit);
      } catch (error) {
        // a failure of the connection, which ioredis would not try again
        const reason = new Error(`redis.credentials failed: ${messageOf(error)}`);
        if (client.listenerCount('error') > 0) client.emit('error', reason);
        await new Promise<void>((resolve) => setTimeout(resolve, Math.min(100 * attempt, RETRY_MS)).unref());
      }
    }
    throw new Error('Connection is closed.');
  };
  return client;
}

/** As {@link withCredentials}, for the nodes of a Cluster, known and to come. */
export function clusterWithCredentials(cluster: Cluster, source: CredentialSource): Cluster {
  cluster.on('+node', (node: Redis) => void withCredentials(node, source));
  return cluster;
}

async function asked(source: CredentialSource): Promise<RedisCredentials> {
  const given: unknown = await source();
  const { username, password } = (given ?? {}) as { username?: unknown; password?: unknown };
  const isText = (value: unknown) => value == null || typeof value === 'string';
  if (typeof given !== 'object' || given === null || !isText(username) || !isText(password)) {
    throw new CacheError(
      'RC_INVALID_OPTION',
      `redis.credentials must return { username?, password } as text, got ${describeValue(given)}.`,
    );
  }
  return given;
}
