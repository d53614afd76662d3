import { Redis } from 'ioredis';

/** What the cache caches. */
export interface Row {
  /** Number of the region. */
  readonly r: number;
  readonly k: number;
  /** Version. */
  readonly v: number;
}

/**
 * The database: one counter per key on a server of its own, which no fault touches. INCR is the commit and returns the
 * version, GET reads the committed one.
 */
export class SourceOfTruth {
  private readonly client: Redis;

  constructor(port: number) {
    this.client = new Redis(port, '127.0.0.1', { enableAutoPipelining: false });
    this.client.on('error', (error: Error) => {
      throw new Error('the source of truth must not fail', { cause: error });
    });
  }

  async read(region: number, key: number): Promise<number> {
    return Number((await this.client.get(`${region}:${key}`)) ?? 0);
  }

  async commit(region: number, key: number): Promise<number> {
    return this.client.incr(`${region}:${key}`);
  }

  close(): void {
    this.client.disconnect();
  }
}
