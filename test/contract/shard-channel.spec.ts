import { afterAll, beforeAll } from '@jest/globals';
import { type ClusterServers, startCluster } from '../support/servers/cluster.js';
import { describeChannel } from './channel.contract.js';
import { aShardChannelHarness } from './redis-harness.js';

let cluster: ClusterServers;

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
}, 30_000);
afterAll(() => cluster.stop());

describeChannel('shard channels of a Cluster', () => aShardChannelHarness(cluster.rootNodes));
