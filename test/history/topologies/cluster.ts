import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type ClusterServers, startCluster } from '../../support/servers/cluster.js';
import { sleep, waitUntil } from '../../support/servers/processes.js';
import { type RedisServer, startRedis } from '../../support/servers/redis.js';
import type { Fault, ServerPrograms, Topology } from '../topology.js';
import { versionOf, withAdmin } from './admin.js';
import { loseWrites, REPLICATION_CONF } from './replication.js';
import { refuseWrites, rollBackInPlace } from './server-faults.js';

const execFileAsync = promisify(execFile);

/** Few, so that each sees traffic; a clear asks each of them. */
const BUCKETS = 12;

/** Three masters, each with a replica. */
export async function startClusterTopology({ bin, cli }: ServerPrograms, buckets = BUCKETS): Promise<Topology> {
  const cluster = await startCluster({ bin, cli, conf: REPLICATION_CONF });
  return {
    name: 'cluster',
    connection: { nodes: cluster.rootNodes },
    buckets,
    server: await versionOf(cluster.ports[0]!),
    faults: clusterFaults(cluster, { bin, cli, buckets }),
    stop: () => cluster.stop(),
  };
}

function clusterFaults(cluster: ClusterServers, { bin, cli, buckets }: ServerPrograms & { buckets: number }): Fault[] {
  const onAll = (ports: readonly number[], ...command: [string, ...(string | number)[]]) =>
    Promise.all(ports.map((port) => withAdmin(port, (admin) => admin.call(...command)))).then(() => {});
  const killClients = (type: string) => () => onAll(cluster.ports, 'CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
  return [
    { name: 'kill data connections', weight: 2, losesData: false, run: killClients('normal') },
    { name: 'kill subscribers', weight: 2, losesData: false, run: killClients('pubsub') },
    {
      name: 'pause writes',
      weight: 1,
      losesData: false,
      async run(random) {
        const ms = Math.round(random.between(20, 400));
        await onAll([random.pick(cluster.masterPorts())], 'CLIENT', 'PAUSE', ms, 'WRITE');
        await sleep(ms);
      },
    },
    {
      name: 'refuse writes',
      weight: 1,
      losesData: false,
      run: (random) => refuseWrites(random.pick(cluster.masterPorts()), random.between(50, 2_500)),
    },
    {
      name: 'rollback in place',
      weight: 3,
      losesData: true,
      run: (random) => rollBackInPlace(random.pick(cluster.masterPorts()), random.between(30, 300), true),
    },
    {
      name: 'rollback under the connections',
      weight: 2,
      losesData: true,
      isSilent: true,
      run: (random) => rollBackInPlace(random.pick(cluster.masterPorts()), random.between(30, 300), false),
    },
    {
      name: 'FUNCTION FLUSH',
      weight: 2,
      losesData: true,
      run: (random) => onAll([random.pick(cluster.masterPorts())], 'FUNCTION', 'FLUSH', 'SYNC'),
    },
    { name: 'FLUSHALL', weight: 2, losesData: true, run: () => onAll(cluster.masterPorts(), 'FLUSHALL') },
    {
      name: 'lossy failover',
      weight: 8,
      losesData: true,
      async run(random) {
        const port = random.pick(cluster.masterPorts());
        await loseWrites(port, random);
        await cluster.failMaster(port);
        await cluster.recover(port);
        await cluster.settled();
      },
    },
    {
      // as where addresses are given again: pods, machines of a cloud
      name: 'stranger at the address of a dead node',
      weight: 3,
      losesData: true,
      async run(random) {
        const port = random.pick(cluster.masterPorts());
        const failover = cluster.failMaster(port);
        let stranger: RedisServer | undefined;
        const isThere = async () => (stranger = await startRedis({ bin, port }).catch(() => undefined)) !== undefined;
        await waitUntil(isThere, { timeoutMs: 20_000, what: 'a stranger at that address' });
        await failover;
        await sleep(random.between(100, 3_000));
        await stranger!.remove();
        await cluster.recover(port);
        await cluster.settled();
      },
    },
    {
      name: 'manual failover',
      weight: 4,
      losesData: true,
      async run(random) {
        const replicas = cluster.view().filter(({ flags }) => flags.includes('slave') && !flags.includes('fail'));
        await cluster.promote(random.pick(replicas).port);
      },
    },
    {
      name: 'slot migration',
      weight: 8,
      losesData: true,
      async run(random) {
        const slot = cluster.slotOf(`{history.${random.below(buckets)}}`);
        const from = cluster.ownerOf(slot);
        const to = random.pick(cluster.masterPorts().filter((port) => port !== from));
        await cluster.migrateSlot(slot, to, { batch: 1 + random.below(5), pauseMs: random.below(20) });
      },
    },
    {
      name: 'reshard',
      weight: 2,
      losesData: true,
      async run(random) {
        const masters = cluster.masterPorts();
        const from = random.pick(masters);
        const to = random.pick(masters.filter((port) => port !== from));
        const [fromId, toId] = [from, to].map((port) => cluster.run(port, 'CLUSTER', 'MYID'));
        const slots = String(100 + random.below(400));
        const ends = ['--cluster-from', fromId!, '--cluster-to', toId!];
        await execFileAsync(
          cli,
          ['--cluster', 'reshard', `127.0.0.1:${from}`, ...ends, '--cluster-slots', slots, '--cluster-yes'],
          {
            maxBuffer: 1e8,
          },
        );
        await cluster.settled();
      },
    },
  ];
}
