import { sleep, waitUntil } from '../../support/servers/processes.js';
import { type RedisServer, startRedis } from '../../support/servers/redis.js';
import { startSentinelTrio } from '../../support/servers/sentinel.js';
import type { ServerPrograms, Topology } from '../topology.js';
import { versionOf, withAdmin } from './admin.js';
import { cutReplication, loseWrites, REPLICATION_CONF } from './replication.js';
import { serverFaults } from './server-faults.js';

/** The replica of a server that has just started: no waiting for others, no persistence. */
const DATA = ['save ""', 'repl-diskless-sync-delay 0', 'repl-ping-replica-period 1', ...REPLICATION_CONF];

/**
 * Longer than every freeze among the faults: failovers happen on command, or the old master would live on beside the
 * new one.
 */
const DOWN_AFTER_MS = 5_000;

/** A master and a replica that change roles, and three sentinels. */
export async function startSentinel({ bin, cli }: ServerPrograms): Promise<Topology> {
  const trio = await startSentinelTrio({ bin, cli, downAfterMs: DOWN_AFTER_MS });
  let master: RedisServer = trio.master;
  let replica: RedisServer = trio.replica;
  for (const { port } of [master, replica]) {
    await withAdmin(port, async (admin) => {
      await admin.call('ACL', 'SETUSER', 'repl', 'on', '>repl', '+psync', '+replconf', '+ping');
      await admin.config('SET', 'masteruser', 'repl', 'masterauth', 'repl');
    });
  }

  const info = (port: number, section: string) => withAdmin(port, (admin) => admin.info(section));
  const sentinelPort = trio.addresses[0]!.port;

  /** Has the replica promoted; the sentinel refuses as long as it does not trust its picture of the replica. */
  const promote = async () => {
    await waitUntil(
      () => withAdmin(sentinelPort, (admin) => admin.call('SENTINEL', 'FAILOVER', trio.name).then(() => true)),
      { everyMs: 100, what: 'a sentinel that begins the failover' },
    );
    await waitUntil(() => masterPortOf(sentinelPort, trio.name).then((port) => port === replica.port), {
      everyMs: 20,
      what: 'the failover',
    });
  };

  /** The old master comes back, empty, as a replica of the new one. */
  const changeRoles = async () => {
    const [newMaster, old] = [replica, master];
    await old.stop('SIGKILL');
    const conf = [...DATA, `replicaof 127.0.0.1 ${newMaster.port}`];
    replica = await startRedis({ bin, port: old.port, dir: old.dir, conf });
    master = newMaster;
    await waitUntil(async () => /state=online/.test(await info(master.port, 'replication')), {
      what: 'the new replica',
    });
    await waitUntil(() => sentinelsSeeReplica(trio.addresses, trio.name, replica.port), {
      everyMs: 100,
      what: 'the sentinels to see the new replica',
    });
  };

  return {
    name: 'sentinel',
    connection: { sentinels: trio.addresses, name: trio.name },
    stayingConnection: { sentinels: trio.addresses, name: trio.name, failoverDetector: false },
    server: await versionOf(master.port),
    faults: [
      ...serverFaults(() => master),
      {
        name: 'lossy failover',
        weight: 12,
        losesData: true,
        async run(random) {
          await loseWrites(master.port, random);
          await master.stop('SIGKILL');
          await promote();
          await changeRoles();
        },
      },
      {
        name: 'failover from a frozen master',
        weight: 4,
        losesData: true,
        async run(random) {
          await loseWrites(master.port, random);
          master.freeze();
          await promote();
          await sleep(random.between(0, 1_500));
          await changeRoles();
        },
      },
      {
        name: 'partitioned master',
        weight: 4,
        losesData: true,
        isBoundedByAge: true,
        async run(random) {
          await withAdmin(master.port, async (admin) => {
            // the sentinels cannot tell it, as behind a partition
            await admin.call('ACL', 'SETUSER', 'default', '-replicaof', '-slaveof');
            await admin.config('SET', 'min-replicas-to-write', 1);
          });
          await cutReplication(master.port);
          await sleep(random.between(0, 300));
          await promote();
          // some processes stay with the old one, which refuses writes and answers reads
          await sleep(random.between(500, 3_000));
          await changeRoles();
        },
      },
    ],
    async stop() {
      await trio.stop();
      await Promise.all([master.remove(), replica.remove()]);
    },
  };
}

async function masterPortOf(sentinelPort: number, name: string): Promise<number> {
  return withAdmin(sentinelPort, async (admin) => {
    const [, port] = (await admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as string[];
    return Number(port);
  });
}

/** All agree on the master, and hold the replica for a good one. */
async function sentinelsSeeReplica(
  sentinels: readonly { port: number }[],
  name: string,
  replicaPort: number,
): Promise<boolean> {
  const answers = await Promise.all(
    sentinels.map(({ port }) =>
      withAdmin(port, async (admin) => (await admin.call('SENTINEL', 'REPLICAS', name)) as string[][]),
    ),
  );
  return answers.every((replicas) =>
    replicas.some((fields) => {
      const field = (key: string) => fields[fields.indexOf(key) + 1];
      return (
        field('port') === String(replicaPort) && field('flags') === 'slave' && field('master-link-status') === 'ok'
      );
    }),
  );
}
