import { describe, expect, it } from '@jest/globals';
import { Keyspace } from '../../../lib/keys/keyspace.js';
import { silentLogger } from '../../../lib/shared/logger.js';
import { Endpoints } from '../../../lib/stores/redis/endpoints.js';
import { KnownPositions } from '../../../lib/stores/redis/known-positions.js';
import { preflight } from '../../../lib/stores/redis/preflight.js';
import { RedisNode } from '../../../lib/stores/redis/redis-node.js';
import type { RedisTopology } from '../../../lib/stores/redis/redis-topology.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeRedisClient } from '../../support/fake-redis-client.js';

/** @param incarnations what the polls tell, one after the other; the last goes on */
function checkOf(...incarnations: number[]): Promise<void> {
  const keyspace = new Keyspace({ service: 'user', bucketCount: 1, maxKeyLength: 200 });
  const client = new FakeRedisClient((name) => {
    if (name === 'probe') return [];
    if (name !== 'poll') return null;
    return [incarnations.length > 1 ? incarnations.shift() : incarnations[0], 3, 1, 1, 1, ''];
  });
  const clock = new FakeClock();
  const context = {
    keyspace,
    positions: new KnownPositions(1),
    channelOf: () => 'user:~events',
    timeoutMs: 250,
    endpoints: new Endpoints(clock, silentLogger),
    trustMs: 1_000,
    clock,
    isCluster: false,
    onRedirect: () => {},
  };
  const node = new RedisNode(client.asRedis, context);
  const topology = { open: () => Promise.resolve(null), nodeOf: () => node } as Partial<RedisTopology> as RedisTopology;
  return preflight(topology, context, silentLogger).then(() => undefined);
}

describe('the check of the server at boot', () => {
  it('refuses one that forgets who it is between two calls', async () => {
    await expect(checkOf(...Array.from({ length: 34 }, (_, n) => n + 1))).rejects.toMatchObject({
      code: 'RC_REDIS_UNSUPPORTED',
      message: expect.stringMatching(/forgets the variables of a function library/),
    });
  });

  it('takes one whose identity changed for another reason', async () => {
    await checkOf(1);
    await checkOf(1, 2);
    await checkOf(1, 2, 3);
  });

  it('takes one whose identity another version of the library changes now and then', async () => {
    await checkOf(...Array.from({ length: 33 }, (_, n) => n + 1), 33);
  });
});
