import { sleep } from '../../support/servers/processes.js';
import type { Random } from '../random.js';
import { withAdmin } from './admin.js';

/** Lines of the configuration by which replicas log in as a user of their own, so that replication alone can be cut. */
export const REPLICATION_CONF: readonly string[] = [
  'user repl on >repl +psync +replconf +ping',
  'masteruser repl',
  'masterauth repl',
];

/** From now on the master's replicas get nothing, and do not come back. What it acknowledges is lost with it. */
export async function cutReplication(masterPort: number): Promise<void> {
  await withAdmin(masterPort, async (admin) => {
    await admin.multi().call('ACL', 'SETUSER', 'repl', 'off').call('CLIENT', 'KILL', 'TYPE', 'replica').exec();
  });
}

/** So many ms of acknowledged writes are lost by a lossy failover. */
export const lostMs = (random: Random): number => random.between(150, 400);

export async function loseWrites(masterPort: number, random: Random): Promise<void> {
  await cutReplication(masterPort);
  await sleep(lostMs(random));
}
