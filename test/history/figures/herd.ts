import { parseArgs } from 'node:util';
import type { RedisCacheOptions } from '../../../lib/index.js';
import { sleep, tempDir } from '../../support/servers/processes.js';
import { startRedis } from '../../support/servers/redis.js';
import { monotonicMs } from '../monotonic.js';
import type { Operation } from '../operation.js';
import { Random } from '../random.js';
import { REDIS, TOPOLOGIES } from '../topologies/by-name.js';
import type { Topology } from '../topology.js';
import { WorkerPool } from '../worker-pool.js';

/**
 * What a restart, a failover and a slot migration cost in loads: a warm cache under steady reads, one event at a time.
 */

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    /** What entries from before the event are: docs/decisions/0010. */
    'on-failover': { type: 'string', default: 'flush,stale' },
  },
});
type OnFailover = NonNullable<RedisCacheOptions['onFailover']>;

const KEYS = Number(values.keys);
const LOAD_MS = 20;
const WARM_MS = 6_000;
const AFTER_MS = 5_000;

const plan: [topology: string, events: string[]][] = [
  ['standalone', ['restart, empty', 'restart, older snapshot', 'kill data connections', 'FUNCTION FLUSH']],
  ['sentinel', ['lossy failover']],
  ['cluster', ['lossy failover', 'manual failover', 'slot migration', 'reshard']],
];

console.log(
  `${KEYS} keys, loads of ${LOAD_MS} ms, 3 processes with 40 readers each; loads within ${AFTER_MS / 1_000} s after the event began`,
);
for (const [name, events] of plan) {
  const topology = await TOPOLOGIES[name]!(REDIS);
  for (const event of events) {
    for (const onFailover of values['on-failover'].split(',')) await measure(topology, event, onFailover as OnFailover);
  }
  await topology.stop();
}
process.exit(0);

async function measure(topology: Topology, event: string, onFailover: OnFailover): Promise<void> {
  const directory = tempDir();
  const source = await startRedis();
  const pool = new WorkerPool({
    directory,
    seed: 1,
    onProblem: (message) => console.log(`PROBLEM ${message}`),
    state: {
      mix: 'read-only',
      loadDelays: { maxMs: LOAD_MS, tailShare: 0, tailMs: 0, slowShare: 0, slowMs: 0 },
      dropShare: 0,
      messageDelayMs: 0,
      abandonShare: 0,
      clockShiftMs: 0,
    },
    config: {
      sourcePort: source.port,
      cache: 'module',
      options: {
        service: 'history',
        redis: topology.connection,
        onFailover,
        ...(topology.buckets === undefined ? {} : { buckets: topology.buckets }),
      },
      maxAgeMs: 1_000,
      shortTtlMs: 3_000,
      fenceMs: 5_000,
      longestWriteMs: 0,
      keyCount: KEYS,
      readerCount: 40,
      writerCount: 0,
      writePauseMs: 0,
      readPauseMs: 4,
      burstPauseMs: 0,
      regions: ['exact'],
    },
  });
  for (let n = 0; n < 3; n++) await pool.add();
  const fault = topology.faults.find(({ name }) => name === event)!;
  for (let round = 1; round <= Number(values.rounds); round++) {
    await sleep(WARM_MS);
    await pool.collect();
    const begin = monotonicMs();
    await Promise.all([fault.run(new Random(round)), sleep(AFTER_MS)]);
    const { operations } = await pool.collect();
    console.log(
      `${topology.name}, ${event}, onFailover ${onFailover}: ${describe(operations.filter((each) => each.begin >= begin))}`,
    );
  }
  await pool.finish();
  await source.remove();
}

function describe(operations: readonly Operation[]): string {
  const loads = operations.filter(({ kind }) => kind === 'load');
  const reads = operations.filter(({ kind }) => kind === 'read');
  const byKey = new Map<number, number>();
  for (const { key } of loads) byKey.set(key, (byKey.get(key) ?? 0) + 1);
  const slowest = reads.reduce((most, { begin, end }) => Math.max(most, end - begin), 0);
  const perKey = byKey.size === 0 ? 0 : loads.length / byKey.size;
  return (
    `${loads.length} loads of ${byKey.size} keys (${perKey.toFixed(2)} each, at most ${Math.max(0, ...byKey.values())}), ` +
    `${reads.length} reads, the slowest ${slowest.toFixed(0)} ms`
  );
}
