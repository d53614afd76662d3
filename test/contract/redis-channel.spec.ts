import { afterAll, beforeAll } from '@jest/globals';
import { sharedRedis } from '../support/servers/redis.js';
import { describeChannel } from './channel.contract.js';
import { aRedisChannelHarness } from './redis-harness.js';

let redis: Awaited<ReturnType<typeof sharedRedis>>;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.release());

describeChannel('Redis pub/sub', () => aRedisChannelHarness(redis.url));
