import type { Redis } from 'ioredis';
import type { ConnectionLives } from './connection-lives.js';
import { isNoCluster } from './redis-errors.js';
import type { Sender } from './sender.js';

/**
 * Whether the server at the end of a connection is a node of a Cluster.
 *
 * The address of a node that died may be another server's by now: one that is of no Cluster redirects nobody, would
 * take the library, and answer for buckets that it does not own, until the map of slots is fetched anew. So before the
 * first function on a connection its server is asked. Reads count only after a function, and need not wait.
 */
export class ClusterMembership {
  /** The epoch in which it was proven; -1: never. */
  private provenIn = -1;
  private proving: Promise<void> | null = null;

  constructor(
    private readonly client: Redis,
    private readonly sender: Sender,
    private readonly lives: ConnectionLives,
  ) {}

  /**
   * @param isProbe asked also of a server that has been silent
   * @returns null: it is proven already. Rejects when the server is of no Cluster; its connection is ended then
   */
  prove(isProbe: boolean): Promise<void> | null {
    if (this.provenIn === this.lives.epoch) return null;
    this.proving ??= this.ask(isProbe).finally(() => (this.proving = null));
    return this.proving;
  }

  private async ask(isProbe: boolean): Promise<void> {
    const { epoch } = this.lives;
    try {
      await this.sender.send((client) => client.call('CLUSTER', 'INFO'), { isProbe });
    } catch (error) {
      if (isNoCluster(error)) this.client.disconnect();
      throw error;
    }
    this.provenIn = epoch;
  }
}
