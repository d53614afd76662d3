// What does an invalidation on a Cluster cost its servers, and how long is it on the way: by PUBLISH (any node tells
// all nodes) or by SPUBLISH (the slot's nodes alone)?
// npm run bench -- cluster-channel          (redis-server and redis-cli on PATH; 3 masters and 3 replicas)
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type ClusterServers, startCluster } from '../test/support/servers/cluster.js';

const BUCKETS = 12;
const MESSAGES = 30_000;
const SINGLES = 1_000;
const BATCH = 100;
const text = 'x'.repeat(60);

interface Way {
  readonly name: string;
  /** One instance's subscription; `onMessage` is called for each message. */
  subscribe(onMessage: () => void): Promise<Redis[]>;
  publish(bucket: number): [command: string, channel: string];
}

const cluster = await startCluster();
const masters = new Map(cluster.masterPorts().map((port) => [port, new Redis(port, '127.0.0.1')]));
const tag = (bucket: number) => `{bench.${bucket}}`;
const owners = Array.from({ length: BUCKETS }, (_, bucket) => cluster.ownerOf(cluster.slotOf(tag(bucket)))!);

const ways: Way[] = [
  {
    name: 'PUBLISH, 1 connection per instance',
    async subscribe(onMessage) {
      const client = new Redis(cluster.ports[Math.floor(Math.random() * cluster.ports.length)]!, '127.0.0.1');
      client.on('message', onMessage);
      await client.subscribe('bench:~events');
      return [client];
    },
    publish: () => ['PUBLISH', 'bench:~events'],
  },
  {
    name: 'SPUBLISH, 1 connection per instance and master',
    subscribe: (onMessage) =>
      Promise.all(
        [...masters.keys()].map(async (port) => {
          const client = new Redis(port, '127.0.0.1');
          client.on('smessage', onMessage);
          for (let bucket = 0; bucket < BUCKETS; bucket++) {
            if (owners[bucket] === port) await client.ssubscribe(`${tag(bucket)}:~events`);
          }
          return client;
        }),
      ),
    publish: (bucket) => ['SPUBLISH', `${tag(bucket)}:~events`],
  },
];

console.log(
  `Node ${process.version}, ${await versionOf(masters.values().next().value!)}, ${cluster.ports.length} nodes`,
);
for (const instances of [2, 8, 32]) for (const way of ways) await measureWay(way, instances);
for (const client of masters.values()) client.disconnect();
await cluster.stop();
process.exit(0);

async function measureWay(way: Way, instances: number): Promise<void> {
  let received = 0;
  const connections = (
    await Promise.all(Array.from({ length: instances }, () => way.subscribe(() => (received += 1))))
  ).flat();
  const arrived = async (count: number) => {
    while (received < count) await new Promise((resolve) => setImmediate(resolve));
  };
  await pause(200);

  const latencies: number[] = [];
  for (let n = 0; n < SINGLES; n++) {
    const [command, channel] = way.publish(n % BUCKETS);
    received = 0;
    const begin = performance.now();
    void masters.get(owners[n % BUCKETS]!)!.call(command, channel, text);
    await arrived(instances);
    latencies.push(performance.now() - begin);
  }
  latencies.sort((a, b) => a - b);

  received = 0;
  const before = await cpuSeconds(cluster);
  for (let sent = 0; sent < MESSAGES; sent += BATCH) {
    const pipelines = new Map([...masters].map(([port, client]) => [port, client.pipeline()]));
    for (let n = sent; n < sent + BATCH; n++) {
      const [command, channel] = way.publish(n % BUCKETS);
      pipelines.get(owners[n % BUCKETS]!)!.call(command, channel, text);
    }
    await Promise.all([...pipelines.values()].map((pipeline) => pipeline.exec()));
    await arrived((sent + BATCH) * instances);
  }
  const micros = ((await cpuSeconds(cluster)) - before) * 1e6;
  for (const client of connections) client.disconnect();
  const at = (share: number) => latencies[Math.floor(share * latencies.length)]!.toFixed(2);
  console.log(
    `${instances} instances, ${way.name}: ${(micros / MESSAGES).toFixed(1)} µs of the servers' CPU per message, ` +
      `one at a time to all instances p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
}

/** Of all nodes together. */
async function cpuSeconds({ ports, run }: ClusterServers): Promise<number> {
  return ports
    .flatMap((port) => [...run(port, 'INFO', 'cpu').matchAll(/used_cpu_(?:sys|user):([\d.]+)/g)])
    .reduce((sum, [, seconds]) => sum + Number(seconds), 0);
}

async function versionOf(client: Redis): Promise<string> {
  return `redis ${/redis_version:(\S+)/.exec(await client.info('server'))?.[1]}`;
}
