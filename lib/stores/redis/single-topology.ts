import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../../shared/clock.js';
import { Backoff } from './backoff.js';
import type { NodeContext } from './node-context.js';
import { RedisNode } from './redis-node.js';
import type { BucketOwner, RedisTopology } from './redis-topology.js';

/** How long the first connection may take before `open` goes on without it. */
const OPEN_PATIENCE_MS = 3_000;
const RECREATE_AFTER_MS = 250;

/** One server, or the master that sentinels name: one node. */
export class SingleTopology implements RedisTopology {
  onChange = () => {};
  private node!: RedisNode;
  private isClosed = false;
  private recreation: Timer | null = null;
  private readonly backoff = new Backoff();

  /** @param create makes a connection, not yet connected */
  constructor(
    private readonly create: () => Redis,
    private readonly context: NodeContext,
    private readonly clock: Clock,
  ) {
    this.use(create());
  }

  get lastError(): Error | null {
    return this.node.lastError;
  }

  async open(): Promise<Error | null> {
    const { node } = this;
    if (node.isReady) return null;
    return new Promise<Error | null>((resolve) => {
      const timer = setTimeout(() => done(new Error(`no connection within ${OPEN_PATIENCE_MS} ms`)), OPEN_PATIENCE_MS);
      const done = (error: Error | null) => {
        clearTimeout(timer);
        node.client.off('ready', onReady);
        node.client.off('error', done);
        node.client.off('end', onEnd);
        resolve(error);
      };
      const onReady = () => done(null);
      const onEnd = () => done(node.lastError ?? new Error('the connection ended'));
      node.client.on('ready', onReady);
      node.client.on('error', done);
      node.client.on('end', onEnd);
      if (node.client.status === 'wait') node.client.connect().catch(() => {});
    });
  }

  nodeOf(): RedisNode {
    return this.node;
  }

  /** A server that is no master any more: the connection is made anew, through the sentinels where there are some. */
  async refresh(): Promise<boolean> {
    this.backoff.refused();
    if (this.node.isReady) this.node.client.disconnect(true);
    return false;
  }

  owners(): readonly BucketOwner[] {
    return [{ client: null, buckets: [0] }];
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.recreation?.cancel();
    const { node } = this;
    node.client.off('ready', this.onReady);
    node.client.off('end', this.onEnd);
    node.dispose();
    // an error of the closing connection has no listener any more
    node.client.on('error', () => {});
    node.client.disconnect();
  }

  private use(client: Redis): void {
    this.node = new RedisNode(client, this.context, () => this.backoff.accepted());
    this.backoff.guide(client);
    client.on('ready', this.onReady);
    client.on('end', this.onEnd);
  }

  private readonly onReady = () => this.node.identify(0);

  /** ioredis can end for good although it should go on trying (met with sentinels): then a new client takes over. */
  private readonly onEnd = () => {
    if (this.isClosed) return;
    this.recreation?.cancel();
    this.recreation = this.clock.after(RECREATE_AFTER_MS, () => {
      const { client, lastError } = this.node;
      client.off('ready', this.onReady);
      client.off('end', this.onEnd);
      this.node.dispose();
      this.use(this.create());
      this.node.lastError = lastError;
      this.node.client.connect().catch(() => {});
    });
  };
}
