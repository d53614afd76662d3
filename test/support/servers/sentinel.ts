import { waitUntil } from './processes.js';
import { redisCli, type RedisServer, startRedis } from './redis.js';

export interface SentinelOptions {
  readonly bin?: string;
  readonly cli?: string;
  readonly name?: string;
  readonly downAfterMs?: number;
  readonly failoverTimeoutMs?: number;
}

export type FailoverKind = 'graceful' | 'kill' | 'kill-and-force' | 'freeze';

/** One master, one replica, three sentinels. */
export interface SentinelTrio {
  readonly name: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly addresses: { host: string; port: number }[];
  masterPort(): number;
  /** Resolves when the sentinels name the replica. */
  failover(kind?: FailoverKind): Promise<void>;
  stop(): Promise<void>;
}

const DATA = ['save ""', 'repl-diskless-sync-delay 0', 'repl-ping-replica-period 1'];

export async function startSentinelTrio(options: SentinelOptions = {}): Promise<SentinelTrio> {
  const { bin = 'redis-server', cli = 'redis-cli', name = 'mymaster' } = options;
  const { downAfterMs = 500, failoverTimeoutMs = 3_000 } = options;
  const run = (port: number, ...args: (string | number)[]) => redisCli(port, args, { cli });
  const master = await startRedis({ bin, conf: DATA });
  const replica = await startRedis({ bin, conf: [...DATA, `replicaof 127.0.0.1 ${master.port}`, 'repl-timeout 5'] });
  await waitUntil(() => /state=online/.test(run(master.port, 'INFO', 'replication')), { what: 'the replica' });

  const conf = [
    `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} ${failoverTimeoutMs}`,
    `sentinel parallel-syncs ${name} 1`,
  ];
  const sentinels = await Promise.all([1, 2, 3].map(() => startRedis({ bin, sentinel: true, conf })));
  const debug = (...args: (string | number)[]) => {
    for (const { port } of sentinels) run(port, 'SENTINEL', 'DEBUG', ...args);
  };
  // quicker discovery; set back before any failover, or the other sentinels turn the promoted replica back
  debug('INFO-PERIOD', 100, 'PUBLISH-PERIOD', 100);
  const field = (port: number, key: string) => {
    const rows = run(port, 'SENTINEL', 'MASTER', name).split('\n');
    return rows[rows.indexOf(key) + 1];
  };
  for (const { port } of sentinels) {
    await waitUntil(
      () =>
        field(port, 'num-other-sentinels') === '2' &&
        field(port, 'num-slaves') === '1' &&
        run(port, 'SENTINEL', 'CKQUORUM', name).startsWith('OK'),
      { what: 'the discovery of the sentinels' },
    );
  }
  debug('INFO-PERIOD', 10_000, 'PUBLISH-PERIOD', 2_000, 'ASK-PERIOD', 100);

  const masterPort = () => Number(run(sentinels[0]!.port, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name).split('\n')[1]);
  return {
    name,
    master,
    replica,
    addresses: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    masterPort,
    async failover(kind = 'kill-and-force') {
      if (kind === 'kill' || kind === 'kill-and-force') await master.stop('SIGKILL');
      if (kind === 'freeze') master.freeze();
      if (kind === 'graceful' || kind === 'kill-and-force') run(sentinels[0]!.port, 'SENTINEL', 'FAILOVER', name);
      await waitUntil(() => masterPort() === replica.port, { what: 'the failover' });
    },
    async stop() {
      master.thaw();
      await Promise.all([...sentinels, replica, master].map((server) => server.remove()));
    },
  };
}
