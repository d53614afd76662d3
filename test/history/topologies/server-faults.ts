import { sleep } from '../../support/servers/processes.js';
import type { RedisServer } from '../../support/servers/redis.js';
import type { Fault } from '../topology.js';
import { withAdmin } from './admin.js';

/** Faults that any server can have, of the one that `current` names at that moment. */
export function serverFaults(current: () => RedisServer, others: () => readonly RedisServer[] = () => []): Fault[] {
  const onServer = (run: Parameters<typeof withAdmin<unknown>>[1]) => withAdmin(current().port, run);
  const killClients = (type: string) => () =>
    onServer((admin) => admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')).then(() => {});
  return [
    { name: 'kill data connections', weight: 3, losesData: false, run: killClients('normal') },
    { name: 'kill subscribers', weight: 3, losesData: false, run: killClients('pubsub') },
    {
      name: 'freeze',
      weight: 2,
      losesData: false,
      async run(random) {
        const server = current();
        server.freeze();
        await sleep(random.between(20, 400));
        server.thaw();
      },
    },
    {
      name: 'pause writes',
      weight: 1,
      losesData: false,
      async run(random) {
        const ms = Math.round(random.between(20, 400));
        await onServer((admin) => admin.call('CLIENT', 'PAUSE', ms, 'WRITE'));
        await sleep(ms);
      },
    },
    {
      name: 'FUNCTION FLUSH',
      weight: 2,
      losesData: true,
      run: () => onServer((admin) => admin.call('FUNCTION', 'FLUSH', 'SYNC')).then(() => {}),
    },
    {
      name: 'FLUSHALL',
      weight: 2,
      losesData: true,
      async run() {
        await onServer((admin) => admin.flushall());
        for (const { port } of others()) await withAdmin(port, (admin) => admin.flushall());
      },
    },
    {
      name: 'rollback in place',
      weight: 3,
      losesData: true,
      run: (random) => rollBackInPlace(current().port, random.between(30, 300), true),
    },
    {
      name: 'rollback under the connections',
      weight: 2,
      losesData: true,
      isSilent: true,
      run: (random) => rollBackInPlace(current().port, random.between(30, 300), false),
    },
    {
      name: 'refuse writes',
      weight: 1,
      losesData: false,
      run: (random) => refuseWrites(current().port, random.between(50, 2_500)),
    },
  ];
}

export async function refuseWrites(port: number, ms: number): Promise<void> {
  const before = await withAdmin(port, (admin) => admin.config('GET', 'min-replicas-to-write'));
  await withAdmin(port, (admin) => admin.config('SET', 'min-replicas-to-write', 9));
  await sleep(ms);
  await withAdmin(port, (admin) => admin.config('SET', 'min-replicas-to-write', (before as string[])[1]!));
}

/**
 * All keys go back to what they were `ms` ago, under a running process: a rollback that no restart announces, as when a
 * server is demoted, synchronised and promoted again. Its clients are disconnected, as Sentinel does it, or not, as
 * after REPLICAOF and back.
 */
export async function rollBackInPlace(port: number, ms: number, disconnects: boolean): Promise<void> {
  await withAdmin(port, async (admin) => {
    const snapshot = (await admin.callBuffer('EVAL', SNAPSHOT, '0')) as Buffer[];
    await sleep(ms);
    const rollback = admin.multi().call('EVAL', ROLLBACK, '0', ...snapshot);
    if (disconnects) rollback.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    for (const [error] of (await rollback.exec())!) if (error) throw error;
  });
}

/**
 * By scripts, since a transaction of a Cluster stays in one slot. At one moment: what stands for a key is worth nothing
 * beside another moment's bucket.
 */
const SNAPSHOT = `#!lua flags=allow-cross-slot-keys
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local dump = redis.call('DUMP', key)
  if dump then
    all[#all + 1] = key
    all[#all + 1] = tostring(math.max(0, redis.call('PTTL', key)))
    all[#all + 1] = dump
  end
end
return all`;

const ROLLBACK = `#!lua flags=allow-cross-slot-keys
redis.call('FLUSHDB')
for n = 1, #ARGV, 3 do redis.call('RESTORE', ARGV[n], ARGV[n + 1], ARGV[n + 2], 'REPLACE') end`;
