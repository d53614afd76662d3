import type { RedisCacheOptions } from '../../lib/options/redis-cache-options.js';
import { type Instance, World } from '../support/a-cache.js';
import { gate, settle } from '../support/fake-clock.js';

/** D of every scene, ms. */
export const D_MS = 1_000;

/** Instances of one application on one embedded server, and the source of truth: a number that only grows. */
export class Scene {
  readonly world = new World();
  version = 1;

  /**
   * @param redis URL of a Redis, for schedules of the driver
   * @param service a name that is nobody else's there
   */
  constructor(
    readonly redis: string,
    readonly service: string,
  ) {}

  start(options: Partial<RedisCacheOptions> = {}): Promise<Instance> {
    return this.world.start({ ttl: '1h', l1: { maxAge: D_MS }, ...options });
  }

  async pair(options: Partial<RedisCacheOptions> = {}): Promise<[Instance, Instance]> {
    return [await this.start(options), await this.start(options)];
  }

  /** Reads key 1, or another, of the region `users`. */
  read({ cache }: Instance, { key = 1, tags }: { key?: number; tags?: readonly string[] } = {}): Promise<number> {
    const load = async () => this.version;
    return cache.region<number>('users').getOrLoad(key, load, tags && { tags: [...tags] });
  }

  /** Reads key 1 with a loader that has read the source when this resolves, and ends when it is told to. */
  async slowRead(
    { cache }: Instance,
    { tags }: { tags?: readonly string[] } = {},
  ): Promise<{ end(): void; readonly value: Promise<number> }> {
    const begun = gate();
    const end = gate();
    const load = async () => {
      const { version } = this;
      begun.open();
      await end.promise;
      return version;
    };
    const value = cache.region<number>('users').getOrLoad(1, load, tags && { tags: [...tags] });
    await begun.promise;
    return { end: () => end.open(), value };
  }

  evict({ cache }: Instance, key = 1): Promise<void> {
    return cache.region('users').evict(key);
  }

  /** Time passes, with its polls. */
  async pass(ms: number): Promise<void> {
    await this.world.clock.advance(ms);
    await settle();
  }

  /** Polls of this instance fail from now on. */
  withoutPolls({ faults }: Instance): void {
    for (let n = 0; n < 100; n++) faults.failNext('poll');
  }

  end(): Promise<void> {
    return this.world.end();
  }
}
