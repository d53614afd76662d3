import type { ClusterNode, RedisOptions } from 'ioredis';
import type { RedisConnectionOptions } from '../../options/redis-connection.js';
import { planConnection } from './client-options.js';

/**
 * Where a connection leads, as text: two that have one place in common lead to the same keys. Two names of one host are
 * two places, since no name is looked up; `localhost` is 127.0.0.1.
 */
export function placesOf(connection: RedisConnectionOptions): readonly string[] {
  const plan = planConnection(connection);
  // nothing connects
  return plan.kind === 'single' ? placesOfServer(plan.create().options) : plan.nodes.map(placeOfNode);
}

function placesOfServer({ host, port, path, db = 0, sentinels, name }: RedisOptions): string[] {
  if (sentinels?.length) {
    return sentinels.map((one) => `${name}/${db} of the sentinel ${addressOf(one.host, one.port ?? 26379)}`);
  }
  return [`${path ?? addressOf(host, port)}/${db}`];
}

function placeOfNode(node: ClusterNode): string {
  if (typeof node === 'number') return `the Cluster of ${addressOf(undefined, node)}`;
  if (typeof node === 'object') return `the Cluster of ${addressOf(node.host, node.port)}`;
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(node.replace(/^.*(\/\/|@)/, '').replace(/[/?].*$/, ''))!;
  return `the Cluster of ${addressOf(host, port)}`;
}

function addressOf(host: string | null | undefined, port: number | string | null | undefined): string {
  const name = host?.toLowerCase() || 'localhost';
  return `${/^(localhost|::1|\[::1\])$/.test(name) ? '127.0.0.1' : name}:${port ?? 6379}`;
}
