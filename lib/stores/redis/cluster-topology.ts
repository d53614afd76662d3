import type { Cluster, Redis } from 'ioredis';
import { crc16 } from '../../keys/crc16.js';
import type { Keyspace } from '../../keys/keyspace.js';
import type { NodeContext } from './node-context.js';
import { RedisNode } from './redis-node.js';
import { isNoCluster, reasonIn } from './redis-errors.js';
import type { BucketOwner, RedisTopology } from './redis-topology.js';

const SLOTS = 16_384;
const OPEN_PATIENCE_MS = 3_000;

/**
 * Redis Cluster. ioredis keeps the map of slots and a connection per node; commands go straight to the node's own
 * connection, so that "one connection, one server" holds and redirections come back as errors instead of being
 * followed.
 */
export class ClusterTopology implements RedisTopology {
  lastError: Error | null = null;
  onChange = () => {};
  private readonly slots: readonly number[];
  private readonly nodes = new Map<Redis, RedisNode>();
  private byBucket: (RedisNode | null)[];
  private refreshing: Promise<boolean> | null = null;
  private isClosed = false;
  /** Every address answered that it is of no Cluster. */
  private isNone = false;
  /** Since all were asked last, one gave another reason than that. */
  private hasOtherReason = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly context: NodeContext,
  ) {
    const { keyspace } = context;
    this.slots = Array.from({ length: keyspace.bucketCount }, (_, bucket) => slotOf(keyspace, bucket));
    this.byBucket = this.slots.map(() => null);
    cluster.on('refresh', this.rebuild);
    cluster.on('-node', this.onNodeGone);
    cluster.on('error', this.onError);
    cluster.on('node error', this.onNodeError);
    this.rebuild();
  }

  async open(): Promise<Error | null> {
    this.connect();
    const end = performance.now() + OPEN_PATIENCE_MS;
    while (!this.isClosed && performance.now() < end && !this.isNone) {
      if (this.byBucket.every((node) => node?.isReady)) return null;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // a stranger at one address says nothing about the Cluster that the others are nodes of
    const reason = this.isNone || !isNoCluster(this.lastError) ? this.lastError : null;
    return reason ?? new Error(`not every bucket had a connected master within ${OPEN_PATIENCE_MS} ms`);
  }

  nodeOf(bucket: number): RedisNode | null {
    const node = this.byBucket[bucket]!;
    if (node === null || node.client.status === 'end') {
      void this.refresh();
      return null;
    }
    return node;
  }

  refresh(): Promise<boolean> {
    this.connect();
    this.refreshing ??= new Promise<boolean>((resolve) => {
      this.cluster.refreshSlotsCache((error) => {
        this.refreshing = null;
        this.rebuild();
        resolve(!error);
      });
    });
    return this.refreshing;
  }

  owners(): readonly BucketOwner[] {
    const byNode = new Map<RedisNode, number[]>();
    this.byBucket.forEach((node, bucket) => {
      if (node !== null) byNode.set(node, [...(byNode.get(node) ?? []), bucket]);
    });
    return [...byNode].map(([{ client }, buckets]) => ({ client, buckets }));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.cluster.off('refresh', this.rebuild);
    this.cluster.off('-node', this.onNodeGone);
    this.cluster.off('error', this.onError);
    this.cluster.off('node error', this.onNodeError);
    for (const node of this.nodes.values()) this.drop(node);
    // an error of a closing connection has no listener any more
    this.cluster.on('error', () => {});
    this.cluster.disconnect();
  }

  private connect(): void {
    if (this.cluster.status === 'wait') this.cluster.connect().catch(this.onError);
  }

  /** Assigns each bucket to the connection of its slot's master. */
  private readonly rebuild = () => {
    if (this.isClosed) return;
    const masters = new Map<string, Redis>();
    for (const client of this.cluster.nodes('master'))
      masters.set(`${client.options.host}:${client.options.port}`, client);
    this.byBucket = this.slots.map((slot, bucket) => {
      const address = this.cluster.slots[slot]?.[0];
      const client = address === undefined ? undefined : masters.get(address);
      if (client === undefined || client.status === 'end') return null;
      const node = this.nodes.get(client) ?? this.take(client);
      if (node !== this.byBucket[bucket]) {
        node.distrust(bucket);
        if (node.isReady) node.identify(bucket);
      }
      return node;
    });
    this.onChange();
  };

  private take(client: Redis): RedisNode {
    const node = new RedisNode(client, this.context);
    this.nodes.set(client, node);
    client.on('ready', this.onNodeReady);
    if (client.status === 'wait') client.connect().catch(() => {});
    return node;
  }

  private readonly onNodeReady = () => {
    const { clock } = this.context;
    this.byBucket.forEach((owner, bucket) => {
      if (owner?.isReady && !owner.isIdentified(bucket, clock.now())) owner.identify(bucket);
    });
  };

  private readonly onNodeGone = (client: Redis) => {
    const node = this.nodes.get(client);
    if (node === undefined) return;
    this.drop(node);
    this.byBucket = this.byBucket.map((owner) => (owner === node ? null : owner));
  };

  private drop(node: RedisNode): void {
    this.nodes.delete(node.client);
    node.client.off('ready', this.onNodeReady);
    node.dispose();
  }

  private readonly onNodeError = (error: unknown) => {
    this.hasOtherReason ||= !isNoCluster(error);
    this.note(error);
  };

  /** No node gave the map of slots. */
  private readonly onError = (error: unknown) => {
    this.note(error);
    this.isNone = !this.hasOtherReason && isNoCluster(this.lastError);
    this.hasOtherReason = false;
  };

  private note(error: unknown): void {
    const reason = reasonIn(error);
    if (reason !== null) this.lastError = new Error(reason, { cause: error });
  }
}

function slotOf(keyspace: Keyspace, bucket: number): number {
  const key = keyspace.bucketKey(bucket);
  const tag = /\{([^}]+)\}/.exec(key)?.[1];
  return crc16(tag ?? key) % SLOTS;
}
