import { afterAll, beforeAll } from '@jest/globals';
import { sharedRedis } from '../support/servers/redis.js';
import { aRedisHarness } from './redis-harness.js';
import { describeRemoteStore } from './remote-store.contract.js';

let redis: Awaited<ReturnType<typeof sharedRedis>>;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.release());

describeRemoteStore('Redis, standalone', () => aRedisHarness(redis.url));
