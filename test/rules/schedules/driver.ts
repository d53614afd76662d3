import { Redis } from 'ioredis';
import type { CacheKey } from '../../../lib/keys/cache-key.js';
import { Keyspace } from '../../../lib/keys/keyspace.js';
import { systemClock } from '../../../lib/shared/clock.js';
import { silentLogger } from '../../../lib/shared/logger.js';
import { Endpoints } from '../../../lib/stores/redis/endpoints.js';
import { KnownPositions } from '../../../lib/stores/redis/known-positions.js';
import { openRedis } from '../../../lib/stores/redis/open-redis.js';
import { RedisNode } from '../../../lib/stores/redis/redis-node.js';
import type { RedisRemoteStore } from '../../../lib/stores/redis/redis-remote-store.js';
import type { PlainRead } from '../../../lib/stores/remote-store.js';
import { gate } from '../../support/fake-clock.js';
import { FakeRedisClient } from '../../support/fake-redis-client.js';
import { startProxy } from '../../support/servers/proxy.js';
import { redisCli } from '../../support/servers/redis.js';
import type { Scene } from '../scene.js';
import { BrokenPromise, type Schedule } from '../schedule.js';

/** Two instances' stores on a real Redis, one of them through a proxy, and an entry that both may read. */
class Drivers {
  /** Added to the clock of the stores, ms. */
  shiftMs = 0;
  readonly key: CacheKey;
  readonly keyspace: Keyspace;
  private readonly cleanups: (() => unknown)[] = [];

  private constructor(private readonly scene: Scene) {
    this.keyspace = new Keyspace({ service: scene.service, bucketCount: 1, maxKeyLength: 200 });
    this.key = this.keyspace.key('users', '1', 'json');
  }

  static async use(scene: Scene, run: (drivers: Drivers) => Promise<void>): Promise<void> {
    const drivers = new Drivers(scene);
    try {
      await run(drivers);
    } finally {
      for (const cleanup of drivers.cleanups.reverse()) await cleanup();
    }
  }

  async open(port = Number(new URL(this.scene.redis).port)): Promise<RedisRemoteStore> {
    const clock = { ...systemClock, now: () => systemClock.now() + this.shiftMs };
    const { store } = openRedis(
      { host: '127.0.0.1', port },
      { keyspace: this.keyspace, commandTimeoutMs: 5_000, maxAgeMs: 60_000, logger: silentLogger, clock },
    );
    this.cleanups.push(() => store.close());
    await store.open();
    return store;
  }

  async proxy() {
    const proxy = await startProxy(Number(new URL(this.scene.redis).port));
    this.cleanups.push(() => proxy.stop());
    return proxy;
  }

  admin(): Redis {
    const admin = new Redis(this.scene.redis);
    this.cleanups.push(() => admin.disconnect());
    return admin;
  }

  async read(store: RedisRemoteStore): Promise<PlainRead> {
    return store.read({ key: this.key, region: 'users', binary: false });
  }

  async fill(store: RedisRemoteStore): Promise<void> {
    const args = { key: this.key, region: 'users', binary: false, token: 'a' };
    await store.readOrLease({ ...args, leaseMs: 1_000, keepMs: 1_000 });
    const entry = { payload: '1', format: 'json', ttlMs: 60_000, staleMs: 0, tags: [], loadMicros: 0, version: '' };
    await store.fill({ ...args, ...entry });
  }
}

/** A read that is identified may be a hit. @throws BrokenPromise */
function mustNotBeBelieved({ identified, entry }: PlainRead, why: string): void {
  if (entry === null) throw new Error('there is no entry to be believed');
  if (identified)
    throw new BrokenPromise(
      `a plain read counts as a hit only of a server known to be the one that takes writes: ${why}`,
    );
}

/** A connection to a server that answers functions so, and stands at position 4. */
function aNode(positions: KnownPositions, answer: () => unknown): RedisNode {
  const client = new FakeRedisClient((name) => (name === 'hmget' ? ['7', '4', '1'] : name === 'get' ? null : answer()));
  return new RedisNode(client.asRedis, {
    keyspace: new Keyspace({ service: 'user', bucketCount: 1, maxKeyLength: 200 }),
    positions,
    channelOf: () => 'user:~events',
    timeoutMs: 5_000,
    endpoints: new Endpoints(systemClock, silentLogger),
    trustMs: 60_000,
    clock: systemClock,
    isCluster: false,
    onRedirect: () => {},
  });
}

/** The driver, on a real Redis where one is needed. */
export const driverSchedules: readonly Schedule[] = [
  {
    convicts: ['position read after the value'],
    name: 'the position of a plain read is from before its value',
    run: (scene) =>
      Drivers.use(scene, async (drivers) => {
        const proxy = await drivers.proxy();
        const [store, other] = [await drivers.open(proxy.port), await drivers.open()];
        await drivers.fill(other);
        // what the driver sends after its first packet waits until the key was evicted
        const held = proxy.holdWritesAfter(1);
        const reading = drivers.read(store);
        await Promise.race([reading, held.reached]);
        const { sequence } = await other.evict({ keys: [drivers.key], tombstoneMs: 1_000 });
        held.release();
        const { entry, position } = await reading;
        if (entry !== null && position !== null && position.sequence >= sequence) {
          throw new BrokenPromise(
            `a read that shows an eviction shows no value from before it: got the value at ${position.sequence}, evicted at ${sequence}`,
          );
        }
      }),
  },
  {
    convicts: ['a connection is believed for ever'],
    name: 'a connection on which nothing was written for D is not believed: its server may be cut off',
    run: (scene) =>
      Drivers.use(scene, async (drivers) => {
        const store = await drivers.open();
        await drivers.fill(store);
        const port = Number(new URL(scene.redis).port);
        redisCli(port, ['CONFIG', 'SET', 'min-replicas-to-write', 1]);
        try {
          // the read asks the server by a function, which is refused
          drivers.shiftMs += 60_001;
          mustNotBeBelieved(await drivers.read(store), 'nothing was written on it for longer than D');
        } finally {
          redisCli(port, ['CONFIG', 'SET', 'min-replicas-to-write', 0]);
        }
      }),
  },
  {
    convicts: ['a server that refuses writes is believed', 'a master that was cut off is believed'],
    name: 'a server that refuses a write is not believed from then on',
    run: (scene) =>
      Drivers.use(scene, async (drivers) => {
        const store = await drivers.open();
        await drivers.fill(store);
        const port = Number(new URL(scene.redis).port);
        redisCli(port, ['CONFIG', 'SET', 'min-replicas-to-write', 1]);
        try {
          const refused = await store
            .fill({
              ...{ key: drivers.key, region: 'users', token: 'b', payload: '1', format: 'json' },
              ...{ ttlMs: 1_000, staleMs: 0, tags: [], loadMicros: 0, version: '' },
            })
            .then(
              () => false,
              () => true,
            );
          if (!refused) throw new Error('the server takes writes');
          mustNotBeBelieved(await drivers.read(store), 'it refused one');
        } finally {
          redisCli(port, ['CONFIG', 'SET', 'min-replicas-to-write', 0]);
        }
      }),
  },
  {
    convicts: ['an answer from before lowers what is known'],
    name: 'the answer to a poll that ran before an own eviction does not hide that the server forgot it',
    async run() {
      const positions = new KnownPositions(1);
      const slow = gate<unknown>();
      // two connections, as while a topology changes
      const [before, after] = [aNode(positions, () => slow.promise), aNode(positions, () => [7, 5, 1])];
      positions.note(0, { incarnation: 7, sequence: 4 });
      const poll = before.invoke({ verb: 'poll', bucket: 0, keys: [], args: [] });
      await after.invoke({ verb: 'evict', bucket: 0, keys: [], args: [] });
      slow.open([7, 4, 1, 1, 1, '']);
      await poll;
      // the server stands at 4 again
      const { identified } = await after.read(0, 'user:profile:1:json', false);
      if (identified) throw new BrokenPromise('a plain read counts as a hit only of a server that forgot nothing');
    },
  },
  {
    convicts: ['a position may go back', 'own evictions tell no position'],
    name: 'a server whose position went back below that of an own eviction is another one',
    run: (scene) =>
      Drivers.use(scene, async (drivers) => {
        const store = await drivers.open();
        const admin = drivers.admin();
        await drivers.fill(store);
        const value = await admin.get(drivers.key.entry);
        await store.evict({ keys: [drivers.key], tombstoneMs: 1_000 });
        // the data is what it was before, and the process did not notice
        await admin.set(drivers.key.entry, value!);
        await admin.hincrby(drivers.keyspace.bucketKey(0), 'q', -1);
        mustNotBeBelieved(await drivers.read(store), 'it forgot an eviction');
      }),
  },
];
