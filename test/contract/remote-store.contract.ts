import type { Keyspace } from '../../lib/keys/keyspace.js';
import type { ChannelMessage } from '../../lib/stores/channel.js';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import { type ContractTest, describeContract, type DriverLimits } from './contract-test.js';
import { atOnceTests } from './remote-store/at-once.js';
import { evictionTests } from './remote-store/evictions.js';
import { failoverTests } from './remote-store/failovers.js';
import { fenceTests } from './remote-store/fences.js';
import { fencedPutTests } from './remote-store/fenced-puts.js';
import { fillTests } from './remote-store/fills.js';
import { leaseTests } from './remote-store/leases.js';
import { holdTests } from './remote-store/holds.js';
import { lifecycleTests } from './remote-store/lifecycle.js';
import { markTests } from './remote-store/marks.js';
import { payloadTests } from './remote-store/payloads.js';
import { positionTests } from './remote-store/positions.js';
import { readTests } from './remote-store/reads.js';
import { versionedPutTests } from './remote-store/versioned-puts.js';

/**
 * An empty server of its own for each test (or a service name of its own on a shared one), with two stores opened on
 * it. A key's bucket may be any; all of a test's keys come from `keyspace`.
 */
export interface RemoteStoreHarness {
  /** Two stores, as of two instances of the application. */
  readonly stores: readonly [RemoteStore, RemoteStore];
  readonly keyspace: Keyspace;
  /** Lets at least `ms` pass on the server: a fake clock, or a real wait (then a ms more: timers may fire early). */
  passTime(ms: number): Promise<void>;
  /** All messages that a channel, opened before the stores, received until now; waits for those already published. */
  messages(): Promise<readonly ChannelMessage[]>;
  /** From now on another process serves the same data. In Redis: HSET M b to something else. */
  restart(): Promise<void>;
  /** The bucket loses its newest invalidation, and nothing else; the process stays. In Redis: HINCRBY M q -1. */
  rollBack(bucket: number): Promise<void>;
  /** Everything is lost, the process stays. In Redis: FLUSHALL, or DEL of all keys of the service. */
  flush(): Promise<void>;
  /** Writes bytes at a value's key that are not ours. In Redis: SET. */
  plant(entry: string, bytes: Buffer): Promise<void>;
  /** Closes the stores and the channel. Called after the stores were closed, too. */
  close(): Promise<void>;
}

export type RemoteStoreTest = ContractTest<RemoteStoreHarness>;

/** The promises of RemoteStore. Every driver runs all of them. Waits of one test sum up to 60 ms at most. */
export const remoteStoreTests: readonly RemoteStoreTest[] = [
  ...readTests,
  ...leaseTests,
  ...fillTests,
  ...atOnceTests,
  ...evictionTests,
  ...markTests,
  ...holdTests,
  ...fenceTests,
  ...fencedPutTests,
  ...versionedPutTests,
  ...positionTests,
  ...failoverTests,
  ...payloadTests,
  ...lifecycleTests,
];

export function describeRemoteStore(
  driver: string,
  open: () => Promise<RemoteStoreHarness>,
  limits: DriverLimits = {},
): void {
  describeContract(`RemoteStore contract: ${driver}`, remoteStoreTests, open, limits);
}
