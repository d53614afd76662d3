import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';
import { sleep, waitUntil } from './processes.js';
import { redisCli, type RedisServer, startRedis } from './redis.js';

const execFileAsync = promisify(execFile);

export interface ClusterServerOptions {
  readonly bin?: string;
  readonly cli?: string;
  readonly nodeTimeoutMs?: number;
  readonly masters?: number;
  /** Per master. */
  readonly replicas?: number;
  /** More lines of each node's configuration. */
  readonly conf?: readonly string[];
}

/** A node as one live node sees it. */
export interface ClusterNodeView {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly slots: readonly (readonly [from: number, to: number])[];
}

/** A Redis Cluster of the test's own. */
export interface ClusterServers {
  readonly ports: readonly number[];
  readonly rootNodes: { host: string; port: number }[];
  run(port: number, ...args: (string | number)[]): string;
  view(seenFrom?: number): ClusterNodeView[];
  /** Resolves when every node sees the same owners of the slots. */
  settled(): Promise<unknown>;
  slotOf(key: string): number;
  ownerOf(slot: number, seenFrom?: number): number | undefined;
  masterPorts(): number[];
  /** Moves one slot step by step; `pauseMs` keeps it on the way, where clients see ASK. @returns keys moved */
  migrateSlot(slot: number, toPort: number, options?: { batch?: number; pauseMs?: number }): Promise<number>;
  /** @returns the port of the new owner of the master's first slot */
  failMaster(port: number, signal?: 'SIGKILL' | 'SIGSTOP'): Promise<number>;
  /** Brings a killed or frozen node back; it comes as a replica. */
  recover(port: number): Promise<void>;
  promote(replicaPort: number): Promise<void>;
  /** SIGSTOP, without waiting for what the others make of it. */
  freeze(port: number): void;
  thaw(port: number): void;
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterServerOptions = {}): Promise<ClusterServers> {
  const { bin = 'redis-server', cli = 'redis-cli', nodeTimeoutMs = 1_000, masters = 3, replicas = 1 } = options;
  const run = (port: number, ...args: (string | number)[]) => redisCli(port, args, { cli });
  const size = masters * (1 + replicas);
  const ports: number[] = [];
  while (ports.length < size) ports.push(await freePort());
  const conf = [
    'cluster-enabled yes',
    'cluster-config-file nodes.conf',
    `cluster-node-timeout ${nodeTimeoutMs}`,
    'cluster-require-full-coverage no',
    'save ""',
    'repl-diskless-sync-delay 0',
    'repl-ping-replica-period 1',
    ...(options.conf ?? []),
  ];
  const nodes = new Map<number, RedisServer>();
  const started = await Promise.all(ports.map((port) => startRedis({ bin, port, conf })));
  for (const server of started) nodes.set(server.port, server);
  const node = (port: number) => nodes.get(port)!;
  const roots = ports.map((port) => `127.0.0.1:${port}`);
  const create = ['create', ...roots, '--cluster-replicas', String(replicas), '--cluster-yes'];
  await execFileAsync(cli, ['--cluster', ...create], { maxBuffer: 1e8 });
  await waitUntil(
    () =>
      ports.every(
        (port) =>
          /cluster_state:ok/.test(run(port, 'CLUSTER', 'INFO')) &&
          (run(port, 'CLUSTER', 'NODES').match(/slave/g) ?? []).length === masters * replicas,
      ) &&
      ports.filter((port) => /state=online/.test(run(port, 'INFO', 'replication'))).length === (replicas ? masters : 0),
    { everyMs: 50, what: 'the cluster' },
  );

  const frozen = new Set<number>();
  const isAlive = ({ child }: RedisServer) => child.exitCode === null && child.signalCode === null;
  const livePorts = () => ports.filter((port) => !frozen.has(port) && isAlive(node(port)));
  const view = (seenFrom = livePorts()[0]!): ClusterNodeView[] =>
    run(seenFrom, 'CLUSTER', 'NODES')
      .split('\n')
      .map((line) => {
        const [id, address, flags, , , , , , ...slots] = line.split(' ');
        return {
          id: id!,
          port: Number(/:(\d+)@/.exec(address!)![1]),
          flags: flags!.split(','),
          slots: slots
            .filter((slot) => !slot.startsWith('['))
            .map((slot) => {
              const [from, to = from] = slot.split('-');
              return [Number(from), Number(to)] as const;
            }),
        };
      });
  // slots travel by gossip
  const layout = (port: number) =>
    JSON.stringify(
      view(port)
        .filter(({ slots, flags }) => slots.length > 0 && !flags.includes('fail'))
        .map(({ port, slots }) => [port, slots])
        .sort(),
    );
  const settled = () =>
    waitUntil(() => new Set(livePorts().map(layout)).size === 1, { what: 'agreement on the slots' });
  const isMaster = ({ flags }: ClusterNodeView) => flags.includes('master') && !flags.includes('fail');
  const idOf = (port: number) => run(port, 'CLUSTER', 'MYID');
  const ownerOf = (slot: number, seenFrom?: number) =>
    view(seenFrom).find((seen) => isMaster(seen) && seen.slots.some(([from, to]) => slot >= from && slot <= to))?.port;
  const masterPorts = () =>
    view()
      .filter((seen) => isMaster(seen) && seen.slots.length > 0)
      .map(({ port }) => port);

  // a second failover of one shard within 4 node timeouts can leave its slots without an owner
  let lastFailover = -Infinity;

  return {
    ports,
    rootNodes: ports.map((port) => ({ host: '127.0.0.1', port })),
    run,
    view,
    settled,
    slotOf: (key) => Number(run(livePorts()[0]!, 'CLUSTER', 'KEYSLOT', key)),
    ownerOf,
    masterPorts,
    async migrateSlot(slot, toPort, { batch = 20, pauseMs = 10 } = {}) {
      const fromPort = ownerOf(slot)!;
      const [from, to] = [idOf(fromPort), idOf(toPort)];
      run(toPort, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', from);
      run(fromPort, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', to);
      let moved = 0;
      for (;;) {
        const keys = run(fromPort, 'CLUSTER', 'GETKEYSINSLOT', slot, batch).split('\n').filter(Boolean);
        if (keys.length === 0) break;
        run(fromPort, 'MIGRATE', '127.0.0.1', toPort, '', 0, 5_000, 'KEYS', ...keys);
        moved += keys.length;
        await sleep(pauseMs);
      }
      // target first, then source, then the other masters
      const others = masterPorts().filter((port) => port !== toPort && port !== fromPort);
      for (const port of [toPort, fromPort, ...others]) run(port, 'CLUSTER', 'SETSLOT', slot, 'NODE', to);
      await settled();
      return moved;
    },
    async failMaster(port, signal = 'SIGKILL') {
      await sleep(Math.max(0, lastFailover + 4.5 * nodeTimeoutMs - performance.now()));
      const [slot] = view().find((seen) => seen.port === port)!.slots[0]!;
      const observer = masterPorts().find((other) => other !== port);
      if (signal === 'SIGSTOP') {
        frozen.add(port);
        node(port).freeze();
      } else {
        await node(port).stop(signal);
      }
      const owner = await waitUntil(
        () => {
          const seen = ownerOf(slot, observer);
          return seen !== port && seen;
        },
        { what: 'the failover of the cluster' },
      );
      lastFailover = performance.now();
      return owner as number;
    },
    async recover(port) {
      if (frozen.delete(port)) node(port).thaw();
      else nodes.set(port, await node(port).restart());
      await waitUntil(
        () => {
          const info = run(port, 'INFO', 'replication');
          const master = /master_link_status:up/.test(info) && Number(/master_port:(\d+)/.exec(info)![1]);
          if (!master || !new RegExp(`port=${port},state=online`).test(run(master, 'INFO', 'replication')))
            return false;
          return livePorts().every((other) => {
            const { flags } = view(other).find((seen) => seen.port === port)!;
            return flags.includes('slave') && !flags.includes('fail');
          });
        },
        { what: 'the node as a replica that every node knows' },
      );
    },
    async promote(replicaPort) {
      run(replicaPort, 'CLUSTER', 'FAILOVER');
      await waitUntil(
        () =>
          livePorts().every((port) =>
            view(port)
              .find((seen) => seen.port === replicaPort)!
              .flags.includes('master'),
          ),
        { timeoutMs: 10_000, what: 'the manual failover' },
      );
      lastFailover = performance.now();
      await settled();
    },
    freeze(port) {
      frozen.add(port);
      node(port).freeze();
    },
    thaw(port) {
      frozen.delete(port);
      node(port).thaw();
    },
    async stop() {
      for (const server of nodes.values()) server.thaw();
      await Promise.all([...nodes.values()].map((server) => server.remove()));
    },
  };
}
