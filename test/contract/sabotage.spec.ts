import { describe, expect, it } from '@jest/globals';
import { openMemoryChannelHarness, openMemoryHarness } from '../support/memory-harness.js';
import { channelTests } from './channel.contract.js';
import type { ContractTest } from './contract-test.js';
import { localStoreTests } from './local-store.contract.js';
import { remoteStoreTests } from './remote-store.contract.js';
import { failoverSabotages } from './sabotage/failover-sabotages.js';
import { holdSabotages } from './sabotage/hold-sabotages.js';
import { invalidationSabotages } from './sabotage/invalidation-sabotages.js';
import { leaseSabotages } from './sabotage/lease-sabotages.js';
import { channelSabotages, localSabotages } from './sabotage/other-sabotages.js';
import { putSabotages } from './sabotage/put-sabotages.js';
import { Hands, overridden } from './sabotage/saboteur.js';
import { LruLocalStore } from '../../lib/stores/memory/lru-local-store.js';

/** Names of the tests that fail on a driver. */
async function noticing<H extends { close(): Promise<void> }>(
  tests: readonly ContractTest<H>[],
  open: () => Promise<H>,
): Promise<string[]> {
  const noticed: string[] = [];
  // thousands of failures that nobody reads: their traces would be most of the time
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  for (const { name, run } of tests) {
    const harness = await open();
    try {
      await inTime(run(harness));
    } catch {
      noticed.push(name);
    } finally {
      await harness.close().catch(() => {});
    }
  }
  Error.stackTraceLimit = stackTraceLimit;
  return noticed;
}

/** A test that waits for what a saboteur never does has noticed it. */
async function inTime(running: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the test did not end')), 1_000);
  });
  await Promise.race([running, late]).finally(() => clearTimeout(timer));
}

interface Attempt<H> {
  readonly name: string;
  readonly caughtBy: readonly string[];
  readonly open: () => Promise<H>;
}

/**
 * An honest driver passes, each sabotage is noticed by the tests that must, and no test is there that notices nothing.
 */
function describeSabotage<H extends { close(): Promise<void> }>(
  subject: string,
  tests: readonly ContractTest<H>[],
  openHonest: () => Promise<H>,
  attempts: readonly Attempt<H>[],
): void {
  describe(`the ${subject} contract suite`, () => {
    const named = new Set(attempts.flatMap(({ caughtBy }) => caughtBy));
    const useful = new Set<string>();
    /**
     * Those that must notice this one, and those of which nobody says what they notice, until they noticed something.
     */
    const tried = (caughtBy: readonly string[]) =>
      tests.filter(({ name }) => caughtBy.includes(name) || !(named.has(name) || useful.has(name)));

    it('finds nothing in a driver that keeps every promise', async () => {
      expect(await noticing(tests, openHonest)).toEqual([]);
    });

    it.each(attempts)(
      'notices when $name',
      async ({ caughtBy, open }) => {
        const noticed = await noticing(tried(caughtBy), open);
        for (const name of noticed) useful.add(name);
        expect(caughtBy.length).toBeGreaterThan(0);
        expect(noticed).toEqual(expect.arrayContaining([...caughtBy]));
      },
      30_000,
    );

    it('has no test that notices nothing', () => {
      expect(tests.map(({ name }) => name).filter((name) => !useful.has(name))).toEqual([]);
    });
  });
}

describeSabotage(
  'RemoteStore',
  // the embedded store cannot hold foreign bytes; a megabyte shows nothing more about a saboteur than a line does
  remoteStoreTests.filter(({ name }) => !/are foreign:|foreign bytes|1 MB/.test(name)),
  () => openMemoryHarness(),
  [...leaseSabotages, ...holdSabotages, ...invalidationSabotages, ...putSabotages, ...failoverSabotages].map(
    ({ name, caughtBy, breaks }) => ({
      name,
      caughtBy,
      open: () => openMemoryHarness({ wrap: (store, server) => overridden(store, breaks(store, new Hands(server))) }),
    }),
  ),
);

describeSabotage(
  'Channel',
  // messages are objects in the embedded channel: nothing else can be published
  channelTests.filter(({ name }) => !name.startsWith('what is not a message')),
  () => openMemoryChannelHarness(),
  channelSabotages.map(({ name, caughtBy, breaks }) => ({
    name,
    caughtBy,
    open: () => openMemoryChannelHarness((channel) => overridden(channel, breaks(channel))),
  })),
);

describeSabotage(
  'LocalStore',
  localStoreTests,
  async () => ({ open: (bounds) => new LruLocalStore(bounds), overheadBytes: 256, close: async () => {} }),
  localSabotages.map(({ name, caughtBy, opens }) => ({
    name,
    caughtBy,
    open: async () => ({ open: opens, overheadBytes: 256, close: async () => {} }),
  })),
);
