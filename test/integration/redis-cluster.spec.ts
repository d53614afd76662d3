import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { ask, cached, fill, lease, type Place } from '../contract/remote-store/actions.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { type ClusterServers, startCluster } from '../support/servers/cluster.js';
import { waitUntil } from '../support/servers/processes.js';
import { redisCli, startRedis } from '../support/servers/redis.js';

const BUCKETS = 24;

let cluster: ClusterServers;
let opened: OpenedStore[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 1 });
}, 30_000);
afterAll(() => cluster.stop());
afterEach(async () => {
  await Promise.all(opened.map((one) => one.close()));
  opened = [];
});

async function open(): Promise<OpenedStore> {
  const one = await openRedisStore({ nodes: cluster.rootNodes }, { bucketCount: BUCKETS });
  opened.push(one);
  return one;
}
let regions = 0;
/** One place in each bucket. */
function placesOf({ keyspace }: OpenedStore): Place[] {
  const region = `r${(regions += 1)}`;
  const places = new Map<number, Place>();
  for (let n = 0; places.size < BUCKETS; n++) {
    const key = keyspace.key(region, String(n), 'json');
    if (!places.has(key.bucket)) places.set(key.bucket, { key, region });
  }
  return [...places.values()];
}
const read = ({ store }: OpenedStore, place: Place) => store.read({ ...place, binary: false });
const allIdentified = (one: OpenedStore, places: Place[]) =>
  waitUntil(
    async () => (await Promise.all(places.map((place) => read(one, place)))).every(({ identified }) => identified),
    {
      timeoutMs: 15_000,
      what: 'identification of all buckets',
    },
  );

describe('a Cluster client of the application', () => {
  it('that reads from replicas and pipelines by itself does not make the cache do so', async () => {
    const client = new Cluster(cluster.rootNodes, {
      scaleReads: 'slave',
      enableAutoPipelining: true,
      redisOptions: { enableAutoPipelining: true },
    });
    const replicas = cluster.view().filter(({ flags }) => flags.includes('slave'));
    const readsOf = () =>
      replicas.map(({ port }) => /cmdstat_(hmget|get|fcall)\b.*/.exec(cluster.run(port, 'INFO', 'commandstats'))?.[0]);
    try {
      const one = await openRedisStore({ client }, { bucketCount: BUCKETS });
      opened.push(one);
      const places = placesOf(one);
      const before = readsOf();
      for (const place of places) await cached(one.store, place);
      await allIdentified(one, places);
      for (const place of places) await one.store.evict({ keys: [place.key], tombstoneMs: 1_000 });
      const reads = await Promise.all(places.map((place) => read(one, place)));
      expect(reads.map(({ entry }) => entry)).toEqual(places.map(() => null));
      expect(readsOf().filter((line, n) => line?.startsWith('cmdstat_hmget') && line !== before[n])).toEqual([]);
    } finally {
      client.disconnect();
    }
  });

  it.each([{ keyPrefix: 'app:' }, { redisOptions: { keyPrefix: 'app:' } }])(
    'with a key prefix is refused: %j',
    async (options) => {
      const client = new Cluster(cluster.rootNodes, { ...options, lazyConnect: true });
      await expect(openRedisStore({ client }, { bucketCount: BUCKETS })).rejects.toMatchObject({
        code: 'RC_INVALID_OPTION',
        message: expect.stringContaining('keyPrefix'),
      });
      client.disconnect();
    },
  );
});

describe('Redis Cluster', () => {
  it('fills, reads, evicts and marks over all masters, and every instance hears of it', async () => {
    const [one, two] = [await open(), await open()];
    const places = placesOf(one);
    const owners = new Set(places.map(({ key }) => cluster.ownerOf(cluster.slotOf(key.entry))));
    expect(owners.size).toBe(3);

    for (const place of places) await cached(one.store, place, { payload: place.key.entry, tags: ['org:5'] });
    await allIdentified(two, places);
    const reads = await Promise.all(places.map((place) => read(two, place)));
    expect(reads.map(({ entry }) => entry?.payload)).toEqual(places.map(({ key }) => key.entry));
    for (const [n, { position, entry }] of reads.entries()) {
      expect(entry!.incarnation).toBe(position!.incarnation);
      expect((await one.store.poll({ bucket: places[n]!.key.bucket, marks: [] })).incarnation).toBe(
        position!.incarnation,
      );
    }

    two.messages.length = 0;
    const [evicted, ...kept] = places;
    await one.store.evict({ keys: [evicted!.key], tombstoneMs: 1_000 });
    expect((await read(two, evicted!)).entry).toBeNull();
    for (let bucket = 0; bucket < BUCKETS; bucket++) await one.store.stamp({ bucket, marks: ['t:org:5'] });
    for (const place of kept) expect(await ask(two.store, place)).toMatchObject({ kind: 'lease', stale: null });
    const heard = () => two.messages.filter(({ kind }) => kind !== 'wake');
    await waitUntil(() => heard().length === BUCKETS + 1, { timeoutMs: 5_000, what: 'all messages' });
    expect(
      heard()
        .filter(({ kind }) => kind === 'mark')
        .map(({ bucket }) => bucket)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: BUCKETS }, (_, bucket) => bucket));
  }, 20_000);

  it('works with a client of the application, which it leaves open', async () => {
    const client = new Cluster(cluster.rootNodes);
    try {
      const one = await openRedisStore(client, { bucketCount: BUCKETS });
      const place = placesOf(one)[5]!;
      await cached(one.store, place);
      expect(await ask(one.store, place)).toMatchObject({ kind: 'hit' });
      await one.close();
      expect(await client.set('still', 'open')).toBe('OK');
    } finally {
      client.disconnect();
    }
  }, 20_000);

  it('follows a bucket that moves to another master, where nothing from before is served', async () => {
    const one = await open();
    const [place] = placesOf(one);
    const { bucket } = place!.key;
    await cached(one.store, place!, { payload: 'v1' });
    const before = await one.store.poll({ bucket, marks: [] });
    const slot = cluster.slotOf(place!.key.entry);
    const target = cluster.masterPorts().find((port) => port !== cluster.ownerOf(slot))!;

    // while it moves, calls fail or are answered, and no read is a hit that is not
    const outcomes: Promise<unknown>[] = [];
    const migration = cluster.migrateSlot(slot, target, { batch: 1, pauseMs: 100 });
    while (outcomes.length < 10) {
      const moving = await read(one, place!);
      if (moving.identified) expect(moving.entry?.payload ?? 'v1').toBe('v1');
      outcomes.push(ask(one.store, place!).catch((error: { code: string }) => error.code));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await migration).toBeGreaterThan(0);
    for (const outcome of await Promise.all(outcomes)) {
      expect(outcome).toEqual(
        typeof outcome === 'string' ? 'RC_STORE_UNAVAILABLE' : expect.objectContaining({ kind: expect.any(String) }),
      );
    }

    await one.store.evict({ keys: [place!.key], tombstoneMs: 1_000 });
    const after = await one.store.poll({ bucket, marks: [] });
    expect(after.incarnation).toBeGreaterThan(before.incarnation);
    const token = await lease(one.store, place!);
    expect(await fill(one.store, place!, token, { payload: 'v2' })).toMatchObject({ kind: 'filled' });
    await allIdentified(one, [place!]);
    expect((await read(one, place!)).entry?.payload).toBe('v2');
  }, 30_000);

  it('goes on with the replica when a master dies: a new incarnation of its buckets, the same of the others', async () => {
    const one = await open();
    const places = placesOf(one);
    for (const place of places) await cached(one.store, place);
    const incarnations = async () =>
      Promise.all(places.map(async ({ key }) => (await one.store.poll({ bucket: key.bucket, marks: [] })).incarnation));
    const before = await incarnations();
    const victim = cluster.masterPorts()[0]!;
    const lost = places.map(({ key }) => cluster.ownerOf(cluster.slotOf(key.entry)) === victim);
    expect(lost).toContain(true);
    await cluster.failMaster(victim);
    const after = await waitUntil(incarnations, { timeoutMs: 15_000, what: 'all buckets to be served' });
    expect(after.map((incarnation, n) => incarnation > before[n]!)).toEqual(lost);
    await allIdentified(one, places);
    for (const [n, place] of places.entries()) {
      expect(await ask(one.store, place)).toMatchObject({ kind: lost[n] ? 'lease' : 'hit' });
    }
    // the channel listens again, wherever it had been subscribed
    for (const place of places) {
      await waitUntil(
        async () => {
          await one.store.evict({ keys: [place.key], tombstoneMs: 1_000 });
          return one.messages.some((message) => message.kind === 'entry' && message.entry === place.key.entry);
        },
        { timeoutMs: 15_000, what: 'messages of every bucket' },
      );
    }
    await cluster.recover(victim);
  }, 60_000);

  /** Evicts until both instances hear of it. */
  const bothHear = (one: OpenedStore, two: OpenedStore, { key }: Place) =>
    waitUntil(
      async () => {
        await two.store.evict({ keys: [key], tombstoneMs: 1_000 });
        return [one, two].every(({ messages }) =>
          messages.some((message) => message.kind === 'entry' && message.entry === key.entry),
        );
      },
      { timeoutMs: 15_000, what: `messages of bucket ${key.bucket}` },
    );

  it('hears of each bucket from its owner, and from the next owner once its slot has moved', async () => {
    const [one, two] = [await open(), await open()];
    const [place] = placesOf(one);
    const { bucket } = place!.key;
    const slot = cluster.slotOf(place!.key.entry);
    const listenersAt = (port: number) =>
      Number(cluster.run(port, 'PUBSUB', 'SHARDNUMSUB', one.keyspace.channelOf(bucket)).split('\n')[1]);
    const before = cluster.ownerOf(slot)!;
    expect(listenersAt(before)).toBe(2);
    await bothHear(one, two, place!);

    const target = cluster.masterPorts().find((port) => port !== before)!;
    await cluster.migrateSlot(slot, target);
    await waitUntil(() => listenersAt(target) === 2, { timeoutMs: 10_000, what: 'both to listen to the new owner' });
    expect(listenersAt(before)).toBe(0);
    for (const { messages } of [one, two]) messages.length = 0;
    await bothHear(one, two, place!);
  }, 30_000);

  it('hears of the other buckets while a master hangs, and of its own again when it is back', async () => {
    const [one, two] = [await open(), await open()];
    const places = placesOf(one);
    const ownerOf = ({ key }: Place) => cluster.ownerOf(cluster.slotOf(key.entry))!;
    const frozen = ownerOf(places[0]!);
    const other = places.find((place) => ownerOf(place) !== frozen)!;
    cluster.freeze(frozen);
    try {
      await bothHear(one, two, other);
    } finally {
      cluster.thaw(frozen);
    }
    await waitUntil(() => bothHear(one, two, places[0]!).then(() => true), { timeoutMs: 20_000, what: 'its buckets' });
  }, 40_000);

  it('believes no server that took the address of a node that died', async () => {
    const one = await open();
    const places = placesOf(one);
    await allIdentified(one, places);
    const [place] = places as [Place];
    const [, slotKey] = /(\{.+?\})/.exec(one.keyspace.bucketKey(place.key.bucket))!;
    const port = cluster.ownerOf(cluster.slotOf(slotKey!))!;
    let stranger: Awaited<ReturnType<typeof startRedis>> | undefined;
    const others = cluster.ports.filter((each) => each !== port);
    const allowFailover = (isAllowed: boolean) =>
      others.map((each) => cluster.run(each, 'CONFIG', 'SET', 'cluster-replica-no-failover', isAllowed ? 'no' : 'yes'));
    allowFailover(false);
    const failover = cluster.failMaster(port);
    try {
      await waitUntil(async () => (stranger = await startRedis({ port }).catch(() => undefined)) !== undefined, {
        what: 'another server at that address',
      });
      // all the while it asks where its buckets are: a map from before the failover leads to the stranger
      const asking = waitUntil(
        async () => {
          await Promise.all(places.map((each) => ask(one.store, each).catch(() => {})));
          return (await read(one, place)).identified;
        },
        { timeoutMs: 30_000, what: 'the new owner' },
      );
      await waitUntil(() => /cmdstat_cluster\|info/.test(redisCli(port, ['INFO', 'commandstats'])), {
        what: 'a question to it',
      });
      allowFailover(true);
      await failover;
      await asking;
      expect(redisCli(port, ['FUNCTION', 'LIST'])).toBe('');
      expect(redisCli(port, ['DBSIZE'])).toBe('0');
    } finally {
      allowFailover(true);
      await failover.catch(() => {});
      await stranger?.remove();
      await cluster.recover(port);
    }
  }, 60_000);

  it('works for a user with the documented rights', async () => {
    const admin = await open();
    const error: unknown = await openAs([]).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'RC_REDIS_PERMISSION' });
    const line = /resetchannels .*?(?= \()/.exec((error as Error).message)![0];
    await openAs(line.split(' '));
    // credentials of each node, without any for all
    const one = await openRedisStore(
      { nodes: cluster.rootNodes.map((node) => ({ ...node, username: 'app', password: 'secret' })) },
      { bucketCount: BUCKETS },
    );
    opened.push(one);
    const places = placesOf(one);
    for (const place of places) await cached(one.store, place);
    await allIdentified(one, places);
    await bothHear(one, admin, places[0]!);
    expect(one.logged).toEqual([]);
  }, 30_000);
});

/** A user of that name on every node, who may do this and nothing else. */
async function openAs(rules: readonly string[]): Promise<OpenedStore> {
  for (const port of cluster.ports) {
    cluster.run(
      port,
      'ACL',
      'SETUSER',
      'app',
      'reset',
      'on',
      '>secret',
      '+cluster|slots',
      '+cluster|info',
      '+info',
      ...rules,
    );
  }
  const one = await openRedisStore(
    { nodes: cluster.rootNodes, redisOptions: { username: 'app', password: 'secret' } },
    { bucketCount: BUCKETS },
  );
  opened.push(one);
  return one;
}
