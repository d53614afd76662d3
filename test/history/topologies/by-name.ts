import type { ServerPrograms, Topology } from '../topology.js';
import { startClusterTopology } from './cluster.js';
import { startSentinel } from './sentinel.js';
import { startStandalone } from './standalone.js';
import { startTls } from './tls.js';

/** Starts a topology by the name that commands give it. */
export const TOPOLOGIES: Readonly<Record<string, (programs: ServerPrograms, buckets?: number) => Promise<Topology>>> = {
  standalone: startStandalone,
  sentinel: startSentinel,
  cluster: startClusterTopology,
  tls: startTls,
};

export const REDIS: ServerPrograms = { bin: 'redis-server', cli: 'redis-cli' };
