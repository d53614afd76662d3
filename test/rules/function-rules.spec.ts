import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { libraryText } from '../../lib/stores/redis/functions/library.js';
import { aRedisHarness } from '../contract/redis-harness.js';
import { type RemoteStoreHarness, remoteStoreTests } from '../contract/remote-store.contract.js';
import { directedServerMutants } from '../history/mutants/directed-mutants.js';
import { serverMutants } from '../history/mutants/server-mutants.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';
import { convictions, functionSchedules } from './function-rules.js';
import { mutatedLibrary } from './mutated-library.js';

/**
 * Every rule of the function library, on a real Redis, once with it and once without: the tests of the contract that
 * stand for it hold, and fail. RULES_TIMES repeats each.
 */

const TIMES = Number(process.env['RULES_TIMES'] ?? 1);
const TEST_MS = 10_000 + TIMES * 5_000;
/** A test that waits for what a library without its rule never does has noticed it. */
const PATIENCE_MS = 2_000;

type Test = { readonly name: string; run(harness: RemoteStoreHarness, admin: Redis): Promise<void> };
const tests: readonly Test[] = [...remoteStoreTests, ...functionSchedules];

const mutants = [...serverMutants, ...directedServerMutants];

let redis: RedisServer;
let admin: Redis;
/** A server of its own: the library is replaced. */
beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
});
afterAll(async () => {
  admin.disconnect();
  await redis.remove();
});

async function failures({ run }: Test, library: string): Promise<number> {
  await admin.call('FUNCTION', 'LOAD', 'REPLACE', library);
  let count = 0;
  for (let n = 0; n < TIMES; n++) {
    const harness = await aRedisHarness(redis.url);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the test did not end')), PATIENCE_MS);
    });
    await Promise.race([run(harness, admin), late]).catch(() => (count += 1));
    clearTimeout(timer);
    await harness.close();
  }
  return count;
}

describe.each(mutants.map(({ name }, n): [string, number] => [name, n]))('%s', (mutantName, n) => {
  it.each(convictions[mutantName] ?? [])(
    'convicts: %s',
    async (name) => {
      const test = tests.find((each) => each.name === name)!;
      const withAndWithout = [await failures(test, libraryText), await failures(test, mutatedLibrary(mutants[n]!))];
      expect(withAndWithout).toEqual([0, TIMES]);
    },
    TEST_MS,
  );
});

it('every mutant is convicted, by tests that there are', () => {
  expect(Object.keys(convictions).sort()).toEqual(mutants.map(({ name }) => name).sort());
  const named = Object.values(convictions).flat();
  expect(named.filter((name) => !tests.some((test) => test.name === name))).toEqual([]);
  expect(Object.values(convictions).filter((names) => names.length === 0)).toEqual([]);
});
