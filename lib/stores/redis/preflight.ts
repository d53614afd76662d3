import { Keyspace } from '../../keys/keyspace.js';
import { CacheError, describeValue } from '../../shared/errors.js';
import type { LoggerPort } from '../../shared/logger.js';
import { addressOf } from './endpoints.js';
import { functionName, LIBRARY_NAME } from './functions/protocol-version.js';
import {
  isDatabaseMissing,
  isFunctionMissing,
  isFunctionsUnsupported,
  isLoginRefused,
  isNoCluster,
  isOfCluster,
  isPermissionDenied,
  messageOf,
} from './redis-errors.js';
import type { NodeContext } from './node-context.js';
import type { RedisNode } from './redis-node.js';
import type { RedisTopology } from './redis-topology.js';

const COMMANDS = 'fcall hmget get mget getdel hget hset hdel set del getrange setrange zadd zrangebyscore zrem time';

/** The commands that the functions run, and those that are sent plainly. */
export function neededCommands(isCluster: boolean): string[] {
  return `${COMMANDS} ${isCluster ? 'spublish ssubscribe' : 'publish subscribe'}`.split(' ');
}

/** The least rights that suffice, as a line for the administrator; docs/redis.md explains them. */
export function aclLine({ keyspace, channelOf }: Pick<NodeContext, 'keyspace' | 'channelOf'>): string {
  const prefix = keyspace.bucketKey(0).replace(/:~m$/, '');
  const isCluster = keyspace.bucketCount > 1;
  const keys = isCluster ? `${prefix.replace(/\.0\}$/, '')}.*` : `${prefix}:*`;
  const channels = isCluster ? keys : channelOf(0);
  const rights = [
    ...neededCommands(isCluster),
    'function|load',
    'info',
    // pub/sub knows no databases, so the channel of any but 0 ends in its number
    ...(channelOf(0) === keyspace.channelOf(0) ? [] : ['select']),
    ...(isCluster ? ['cluster|slots', 'cluster|info'] : []),
  ];
  return `ACL SETUSER <user> resetchannels ~${keys} &${channels} ${rights.map((right) => `+${right}`).join(' ')}`;
}

/**
 * Asks the server whether it can do what the store needs.
 *
 * @returns false where it is away and could not be asked: it may come back as what is needed
 * @throws CacheError RC_INVALID_OPTION when the server has no database of that number, or is part of a Cluster or none
 * where the other was meant
 * @throws CacheError RC_REDIS_UNSUPPORTED before Redis 7.0
 * @throws CacheError RC_REDIS_PERMISSION when the login is refused, or a right is missing
 */
export async function preflight(topology: RedisTopology, context: NodeContext, logger: LoggerPort): Promise<boolean> {
  const away = await topology.open();
  if (away !== null) {
    if (isLoginRefused(away)) {
      throw new CacheError(
        'RC_REDIS_PERMISSION',
        `Redis refused the login: ${away.message.replace(/\.$/, '')}. Check user name and password; in a URL they stand as redis://user:password@host, ` +
          `without a user redis://:password@host, and a % of theirs as %25.`,
        { cause: away },
      );
    }
    // ioredis would go on in database 0, and listen to the channel of the other
    if (isDatabaseMissing(away)) throw missingDatabase(topology, away);
    if (isPermissionDenied(away)) throw missingRight(away.message, context, away);
    if (isNoCluster(away)) throw noCluster(away);
    // the first poll fails as well, and is what tells the operator
    logger.debug(`Redis is away: ${away.message}. The cache works without it and keeps trying.`);
    return false;
  }
  const { keyspace } = context;
  const asked = new Set<RedisNode>();
  for (let bucket = 0; bucket < keyspace.bucketCount; bucket++) {
    const node = topology.nodeOf(bucket);
    if (node === null || asked.has(node)) continue;
    asked.add(node);
    await check(node, bucket, context, logger);
  }
  return true;
}

async function check(node: RedisNode, bucket: number, context: NodeContext, logger: LoggerPort): Promise<void> {
  const { keyspace, channelOf } = context;
  try {
    const [before] = await node.invoke({ verb: 'poll', bucket, keys: [], args: [] });
    const [after] = await node.invoke({ verb: 'poll', bucket, keys: [], args: [] });
    if (after !== before) await refuseForgetful(node, bucket);
    const M = keyspace.bucketKey(bucket);
    const entry = M.replace(/~m$/, '~probe');
    await node.command('call', 'HMGET', [M, 'i']);
    await node.command('call', 'GET', [entry]);
    await node.command('call', 'MGET', [entry]);
    const refused = (await node.command('call', 'FCALL', [
      functionName('probe'),
      4,
      M,
      keyspace.collectKey(bucket),
      entry,
      Keyspace.sideKey(entry),
      channelOf(bucket),
      bucket,
    ])) as string[];
    if (refused.length > 0) throw missingRight(`${refused[0]}: ${refused[1]}`, context, undefined);
  } catch (error) {
    if (error instanceof CacheError) throw error;
    if (isFunctionsUnsupported(error)) throw await unsupported(node, error);
    if (isPermissionDenied(error)) throw missingRight(messageOf(error), context, error);
    if (isFunctionMissing(error)) throw error;
    if (isOfCluster(error) && keyspace.bucketCount === 1) throw ofCluster(node, error);
    logger.warn(`Redis could not be checked: ${messageOf(error)}. The cache keeps trying.`);
  }
}

function missingDatabase(topology: RedisTopology, cause: Error): CacheError {
  const database = topology.nodeOf(0)?.client.options.db;
  return new CacheError(
    'RC_INVALID_OPTION',
    `The database, redis.db or the path of redis.url, must be one that the server has, got ${describeValue(database)}: ${cause.message}. ` +
      `Choose one from 0 up to, and not including, the server's setting \`databases\` (16 by default).`,
    { cause },
  );
}

/** One connection does not reach the other servers. */
function ofCluster({ client }: RedisNode, cause: unknown): CacheError {
  const address = addressOf(client);
  const [host, port] = [client.options.host, client.options.port];
  return new CacheError(
    'RC_INVALID_OPTION',
    `redis names one server, ${address}, which belongs to a Redis Cluster (it answered "${messageOf(cause)}"). Give the Cluster: ` +
      `redis: { nodes: [{ host: '${host}', port: ${port} }] }. For a service that shards behind this one address, set hashTag: true.`,
    { cause },
  );
}

function noCluster(cause: Error): CacheError {
  return new CacheError(
    'RC_INVALID_OPTION',
    `redis.nodes leads to a server that is not a Cluster (it answered "${cause.message}"). Give { url } or { host, port } for a server alone; ` +
      `where one environment has a Cluster and another has not, take the form from the configuration.`,
    { cause },
  );
}

function missingRight(what: string, context: NodeContext, cause: unknown): CacheError {
  return new CacheError(
    'RC_REDIS_PERMISSION',
    `The Redis user lacks a right: ${what}. The least rights that suffice: ${aclLine(context)} ` +
      `(without +function|load, an administrator has to load the library "${LIBRARY_NAME}" first).`,
    { cause },
  );
}

/**
 * The library's variables outlive a call in Redis and Valkey; without them each call starts a new incarnation, and
 * nothing is ever a hit. An identity changes by itself too (a failover, a second process that knows a later one), but
 * not twice at once.
 */
async function refuseForgetful(node: RedisNode, bucket: number): Promise<void> {
  // all at once: between two versions of the library, side by side, each poll of the other changes it
  const polls = Array.from({ length: 32 }, () => node.invoke({ verb: 'poll', bucket, keys: [], args: [] }));
  const seen = (await Promise.all(polls)).map(([incarnation]) => incarnation);
  if (new Set(seen).size < seen.length) return;
  throw new CacheError(
    'RC_REDIS_UNSUPPORTED',
    'The server forgets the variables of a function library between two calls, got a new incarnation in each of 34 polls. Nothing could be cached: ' +
      'use Redis >= 7.0 or Valkey, or leave `redis` out to use the embedded store.',
  );
}

async function unsupported(node: RedisNode, cause: unknown): Promise<CacheError> {
  const info = await node.command('call', 'INFO', ['server']).catch(() => '');
  const version = /redis_version:(\S+)/.exec(String(info))?.[1] ?? '(version unknown)';
  return new CacheError(
    'RC_REDIS_UNSUPPORTED',
    `Redis ${version} answers "${messageOf(cause).slice(0, 60)}": it has no functions. The cache needs Redis >= 7.0 or Valkey, with FCALL and ` +
      `FUNCTION not renamed. Upgrade the server, or leave \`redis\` out to use the embedded store.`,
    { cause },
  );
}
