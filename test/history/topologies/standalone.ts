import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../support/servers/processes.js';
import { type RedisServer, startRedis } from '../../support/servers/redis.js';
import type { ServerPrograms, Topology } from '../topology.js';
import { versionOf, withAdmin } from './admin.js';
import { serverFaults } from './server-faults.js';

/** One server. */
export async function startStandalone({ bin }: ServerPrograms): Promise<Topology> {
  let server: RedisServer = await startRedis({ bin });
  const dump = join(server.dir, 'dump.rdb');
  const older = join(server.dir, 'older.rdb');

  /** Kill -9, and back after a while with the data of `snapshot`, or none. */
  const restart = async (snapshot: string | null, downMs: number) => {
    await server.stop('SIGKILL');
    rmSync(dump, { force: true });
    if (snapshot !== null && existsSync(snapshot)) copyFileSync(snapshot, dump);
    await sleep(downMs);
    server = await server.restart();
  };

  return {
    name: 'standalone',
    connection: { host: '127.0.0.1', port: server.port },
    server: await versionOf(server.port),
    faults: [
      ...serverFaults(() => server),
      {
        name: 'restart, empty',
        weight: 3,
        losesData: true,
        run: (random) => restart(null, random.between(0, 400)),
      },
      {
        name: 'restart, older snapshot',
        weight: 6,
        losesData: true,
        async run(random) {
          await withAdmin(server.port, (admin) => admin.save());
          copyFileSync(dump, older);
          await sleep(random.between(50, 600));
          await restart(older, random.between(0, 200));
        },
      },
    ],
    stop: () => server.remove(),
  };
}
