import { describe, expect, it } from '@jest/globals';
import { openMemoryHarness } from '../support/memory-harness.js';
import { remoteStoreTests } from './remote-store.contract.js';
import { invalidationSabotages } from './sabotage/invalidation-sabotages.js';
import { leaseSabotages } from './sabotage/lease-sabotages.js';
import { putSabotages } from './sabotage/put-sabotages.js';
import { Hands, overridden, type Sabotage } from './sabotage/saboteur.js';

const HONEST: Sabotage = { name: 'nothing', caughtBy: [], breaks: () => ({}) };

/** The embedded store cannot hold foreign bytes; a megabyte shows nothing more about a saboteur than a line does. */
const TRIED = remoteStoreTests.filter(({ name }) => !/are foreign:|foreign bytes|1 MB/.test(name));

/** Runs the suite on a store that breaks one promise. @returns the names of the tests that noticed */
async function noticing({ breaks }: Sabotage): Promise<string[]> {
  const noticed: string[] = [];
  for (const { name, run } of TRIED) {
    const harness = await openMemoryHarness({
      wrap: (store, server) => overridden(store, breaks(store, new Hands(server))),
    });
    try {
      await run(harness);
    } catch {
      noticed.push(name);
    } finally {
      await harness.close();
    }
  }
  return noticed;
}

const useful = new Set<string>();

describe('the RemoteStore contract suite', () => {
  it('finds nothing in a store that keeps every promise', async () => {
    expect(await noticing(HONEST)).toEqual([]);
  });

  it.each([...leaseSabotages, ...invalidationSabotages, ...putSabotages])('notices when $name', async (sabotage) => {
    const noticed = await noticing(sabotage);
    for (const name of noticed) useful.add(name);
    expect(noticed).toEqual(expect.arrayContaining([...sabotage.caughtBy]));
    expect(sabotage.caughtBy.length).toBeGreaterThan(0);
  });

  it('has no test that notices nothing', () => {
    expect(TRIED.map(({ name }) => name).filter((name) => !useful.has(name))).toEqual([]);
  });
});
