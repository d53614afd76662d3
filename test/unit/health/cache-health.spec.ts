import { describe, expect, it } from '@jest/globals';
import { adviceOn } from '../../../lib/cache/server-advice.js';
import { healthOf, type Seen } from '../../../lib/health/cache-health.js';
import type { CacheStatus } from '../../../lib/cache/cache-status.js';
import type { ServerFacts } from '../../../lib/stores/remote-store.js';

const FACTS: ServerFacts = {
  version: '7.0.15',
  usedMemoryBytes: 10,
  maxMemoryBytes: 100,
  evictionPolicy: 'volatile-lru',
  evictedKeys: 0,
};

const endpoint = { address: 'a:1', circuit: 'closed', openForMs: null, why: null } as const;
const status = { endpoints: [endpoint], l1: null, pendingEvictions: 0 } as unknown as CacheStatus;
const report = { address: 'a:1', latencyMs: 1.23456, facts: FACTS };

function reasonOf(change: Partial<Seen>): string | null {
  return healthOf({ status, lastProvenAgeMs: 10, store: 'redis', reports: [report], waitedMs: 300, ...change }).reason;
}

describe('the verdict', () => {
  it('is healthy while every server answers and Redis has accepted something lately', () => {
    expect(reasonOf({})).toBeNull();
    expect(reasonOf({ lastProvenAgeMs: 3_000 })).toBeNull();
  });

  it.each<[string, Partial<Seen>, RegExp]>([
    [
      'an open circuit',
      {
        status: {
          ...status,
          endpoints: [{ ...endpoint, circuit: 'open', why: 'No answer within 250 ms', openForMs: 5 }],
        },
      },
      /a:1 is silent: No answer/,
    ],
    ['no answer in time', { reports: null }, /did not answer within 300 ms/],
    [
      'a server that is away',
      { reports: [report, { address: 'b:2', latencyMs: null, facts: null, why: 'ECONNREFUSED' }] },
      /b:2 does not answer: ECONNREFUSED/,
    ],
    ['a cache that never was connected', { lastProvenAgeMs: null }, /not taken part yet/],
    ['a server that accepts nothing', { lastProvenAgeMs: 3_001 }, /accepted nothing for 3.0 s/],
    ['an embedded store in an outage of a test', { store: 'embedded', reports: null }, /did not answer/],
  ])('is degraded by %s', (_, change, reason) => {
    expect(reasonOf(change)).toMatch(reason);
  });

  it('does not take a server that may not be asked for one that is away', () => {
    expect(reasonOf({ reports: [{ address: 'a:1', latencyMs: 1, facts: null, why: 'NOPERM' }] })).toBeNull();
  });
});

describe('advice on a server', () => {
  it.each<[string, Partial<ServerFacts>, RegExp | null]>([
    ['evicts by recency, with room', {}, null],
    ['evicts all keys by recency', { evictionPolicy: 'allkeys-lru' }, null],
    ['has no limit', { maxMemoryBytes: null }, /maxmemory is not set.*volatile-lru/],
    ['evicts nothing, with room', { evictionPolicy: 'noeviction', usedMemoryBytes: 79 }, null],
    [
      'evicts nothing, and is nearly full',
      { evictionPolicy: 'noeviction', usedMemoryBytes: 80 },
      /noeviction and 80 %.*volatile-lru/,
    ],
    ['is full, and evicts', { usedMemoryBytes: 99 }, null],
    ['evicts by chance', { evictionPolicy: 'allkeys-random' }, /bucket key/],
  ])('that %s', (_, change, advice) => {
    const text = adviceOn({ ...FACTS, ...change });
    if (advice === null) expect(text).toBeNull();
    else expect(text).toMatch(advice);
  });
});
