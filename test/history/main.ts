import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runHistory, type RunOptions } from './coordinator.js';
import { TOPOLOGIES } from './topologies/by-name.js';

/**
 * The command line of the history checker; docs/coherence.md explains its options. Ends with 1 when a promise was
 * broken.
 */

const { values } = parseArgs({
  options: {
    topology: { type: 'string', default: 'standalone' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    workers: { type: 'string', default: '3' },
    cache: { type: 'string', default: 'module' },
    keys: { type: 'string', default: '32' },
    readers: { type: 'string', default: '24' },
    writers: { type: 'string', default: '4' },
    'write-pause': { type: 'string', default: '8' },
    'read-pause': { type: 'string', default: '0' },
    'burst-pause': { type: 'string', default: '0' },
    'max-age': { type: 'string', default: '1000' },
    'short-ttl': { type: 'string', default: '3000' },
    fence: { type: 'string', default: '5000' },
    'longest-write': { type: 'string', default: '12' },
    abandon: { type: 'string', default: '0.002' },
    reads: { type: 'string', default: 'plain' },
    'on-failover': { type: 'string', default: 'flush' },
    regions: { type: 'string', default: '' },
    mix: { type: 'string', default: 'all' },
    faults: { type: 'string', default: 'all' },
    'fault-pause': { type: 'string', default: '300-1500' },
    'max-violations': { type: 'string', default: '20' },
    'load-max': { type: 'string', default: '24' },
    'load-tail': { type: 'string', default: '132' },
    buckets: { type: 'string' },
    bin: { type: 'string', default: 'redis-server' },
    cli: { type: 'string', default: 'redis-cli' },
    summary: { type: 'string' },
    'next-version': { type: 'boolean', default: false },
    'mixed-shapes': { type: 'boolean', default: false },
    'mixed-codecs': { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
});

const list = (text: string) => text.split(',').filter(Boolean);
const [leastPause, mostPause] = values['fault-pause'].split('-').map(Number) as [number, number];
const options: RunOptions = {
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  workers: Number(values.workers),
  cache: values.cache === 'naive' ? 'naive' : 'module',
  keyCount: Number(values.keys),
  readers: Number(values.readers),
  writers: Number(values.writers),
  writePauseMs: Number(values['write-pause']),
  readPauseMs: Number(values['read-pause']),
  burstPauseMs: Number(values['burst-pause']),
  maxAgeMs: Number(values['max-age']),
  shortTtlMs: Number(values['short-ttl']),
  fenceMs: Number(values.fence),
  longestWriteMs: Number(values['longest-write']),
  abandonShare: Number(values.abandon),
  reads: values.reads === 'function' ? 'function' : 'plain',
  onFailover: values['on-failover'] as RunOptions['onFailover'],
  regions: list(values.regions),
  mix: values.mix as RunOptions['mix'],
  loadDelays: {
    maxMs: Number(values['load-max']),
    tailShare: 0.05,
    tailMs: Number(values['load-tail']),
    slowShare: 0.000_3,
    slowMs: 3_000,
  },
  faults: values.faults === 'all' ? 'all' : list(values.faults),
  faultPauseMs: [leastPause, mostPause],
  maxViolations: Number(values['max-violations']),
  isQuiet: values.quiet,
  hasNextVersion: values['next-version'],
  hasMixedShapes: values['mixed-shapes'],
  hasMixedCodecs: values['mixed-codecs'],
};

const start = TOPOLOGIES[values.topology];
if (start === undefined) {
  console.error(`--topology must be one of ${Object.keys(TOPOLOGIES).join(', ')}, got "${values.topology}".`);
  process.exit(2);
}
const topology = await start(
  { bin: values.bin, cli: values.cli },
  values.buckets === undefined ? undefined : Number(values.buckets),
);
const summary = await runHistory(topology, options, (line) => console.log(line));
const text = JSON.stringify(summary, null, 2);
if (values.summary === undefined) console.log(text);
else writeFileSync(values.summary, `${text}\n`);
process.exit(Object.keys(summary.violations).length > 0 || summary.problems.length > 0 ? 1 : 0);
