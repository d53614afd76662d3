import { openMemoryHarness } from '../support/memory-harness.js';
import type { DriverLimits } from './contract-test.js';
import { describeRemoteStore } from './remote-store.contract.js';

const ONLY_ENTRIES = 'nothing but its own entries can stand in the embedded store';

const LIMITS: DriverLimits = {
  'bytes of another program at a key are foreign: no entry, and a load replaces them': ONLY_ENTRIES,
  'bytes that are not text at a key are foreign: no entry, and a load replaces them': ONLY_ENTRIES,
  'no bytes at a key are foreign: no entry, and a load replaces them': ONLY_ENTRIES,
  'a line and a text at a key are foreign: no entry, and a load replaces them': ONLY_ENTRIES,
  'JSON at a key are foreign: no entry, and a load replaces them': ONLY_ENTRIES,
  'a lease over foreign bytes has nothing stale, and an eviction removes them': ONLY_ENTRIES,
};

describeRemoteStore('memory', () => openMemoryHarness(), LIMITS);
describeRemoteStore('memory, 16 buckets', () => openMemoryHarness({ bucketCount: 16 }), LIMITS);
