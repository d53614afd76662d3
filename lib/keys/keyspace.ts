import { hash } from 'node:crypto';
import type { CacheKey } from './cache-key.js';
import { crc16 } from './crc16.js';

/**
 * All names in Redis of one cache (PROTOCOL 2).
 *
 *     <service>:<region>:<identifier>:<attribute>          one bucket: standalone, Sentinel, embedded
 *     {<service>}:<region>:<identifier>:<attribute>        one bucket, on a service that shards behind one address
 *     {<service>.<b>}:<region>:<identifier>:<attribute>    Cluster: the hash tag puts a bucket's keys into one slot
 *
 * `service`, `region` and `attribute` are checked at boot to hold no separator; identifiers come escaped
 * (key-segment.ts).
 */
export class Keyspace {
  readonly bucketCount: number;
  private readonly bucketPrefixes: readonly string[];

  constructor(
    private readonly options: { service: string; bucketCount: number; maxKeyLength: number; hasTag?: boolean },
  ) {
    const { service, bucketCount, hasTag = false } = options;
    this.bucketCount = bucketCount;
    this.bucketPrefixes =
      bucketCount === 1
        ? [hasTag ? `{${service}}` : service]
        : Array.from({ length: bucketCount }, (_, bucket) => `{${service}.${bucket}}`);
  }

  /**
   * The key of an escaped identifier. An identifier over `maxKeyLength` keeps its beginning and ends in its SHA-256.
   */
  key(region: string, identifier: string, attribute: string): CacheKey {
    const { maxKeyLength } = this.options;
    if (identifier.length > maxKeyLength) identifier = shorten(identifier, maxKeyLength);
    const rest = `${region}:${identifier}:${attribute}`;
    const bucket = this.bucketCount === 1 ? 0 : crc16(rest) % this.bucketCount;
    return { entry: `${this.bucketPrefixes[bucket]}:${rest}`, bucket, held: undefined };
  }

  /** As `key`, for one region, with all that does not depend on the identifier made once: on every call's path. */
  keysOf(region: string, attribute: string): (identifier: string) => CacheKey {
    if (this.bucketCount > 1) return (identifier) => this.key(region, identifier, attribute);
    const prefix = `${this.bucketPrefixes[0]}:${region}:`;
    const suffix = `:${attribute}`;
    const { maxKeyLength } = this.options;
    return (identifier) =>
      identifier.length > maxKeyLength
        ? this.key(region, identifier, attribute)
        : { entry: prefix + identifier + suffix, bucket: 0, held: undefined };
  }

  /**
   * Reads a name that somebody else wrote: `user:profile:9876`, `user:profile`, or a whole key as it stands in Redis.
   *
   * @returns `path` is what follows the region's name, or null; null altogether: no name of this cache
   */
  parsePath(text: string): { readonly region: string; readonly path: string | null } | null {
    const colon = text.indexOf(':');
    const first = text.slice(0, colon);
    if (colon < 0 || (first !== this.options.service && !this.bucketPrefixes.includes(first))) return null;
    const [, region, path] = /^([\w.-]{1,100})(?::([^]+))?$/.exec(text.slice(colon + 1)) ?? [];
    return region === undefined ? null : { region, path: path ?? null };
  }

  /** What every key begins with, where there is one bucket. */
  get prefix(): string {
    return `${this.bucketPrefixes[0]}:`;
  }

  /** M: the hash with all safety data of a bucket. */
  bucketKey(bucket: number): string {
    return `${this.bucketPrefixes[bucket]}:~m`;
  }

  /** G: the sorted set that remembers which stamps and fences of M may be collected. */
  collectKey(bucket: number): string {
    return `${this.bucketPrefixes[bucket]}:~g`;
  }

  /** The pub/sub channel of a bucket's invalidations; on Cluster a shard channel, in the slot of the bucket. */
  channelOf(bucket: number): string {
    return `${this.bucketPrefixes[bucket]}:~events`;
  }

  /** S: the short-lived lease and tombstone of an entry. */
  static sideKey(entry: string): string {
    return `${entry}~`;
  }
}

/** An identifier that cannot be read back; `~` is escaped in others, so that it equals none. */
export function hashedIdentifier(identifier: string): string {
  return `~${hash('sha256', identifier, 'base64url')}`;
}

/** `~` is escaped in identifiers, so a shortened one equals no other. SHA-256 against chosen collisions. */
function shorten(identifier: string, maxLength: number): string {
  return `${identifier.slice(0, Math.max(0, maxLength - 44))}~${hash('sha256', identifier, 'base64url')}`;
}
