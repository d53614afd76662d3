import type { Rates, Traffic } from './traffic.js';

/** What an entry is, in bytes. */
export interface EntrySize {
  readonly keyBytes: number;
  readonly valueBytes: number;
}

/** What Redis and each instance have to do, and how much of each that is. */
export interface Load {
  /** Commands that clients send, per second, when no two reads share a turn of the event loop. */
  readonly commands: number;
  /** Messages that Redis delivers, per second. */
  readonly messages: number;
  /** Of one core of Redis, 0 to 1 and above. */
  readonly redisCore: number;
  /** Of one core of an instance, for the messages of all. */
  readonly instanceCore: number;
  readonly redisBytes: number;
  /** L1 of one instance. */
  readonly l1Bytes: number;
  readonly connections: number;
}

/** CPU time of Redis, µs; measured by `npm run bench -- sizing`, without anything that shares a turn. */
export interface Costs {
  readonly hit: number;
  readonly miss: number;
  readonly eviction: number;
  /** Each instance that is told of one. */
  readonly message: number;
  /** A poll of an instance. */
  readonly poll: number;
  /** A message, for the instance that gets it. */
  readonly received: number;
}

export const COSTS: Costs = { hit: 15, miss: 130, eviction: 50, message: 3, poll: 20, received: 4 };

const POLLS_PER_SECOND = 4;
const POLLS_WITHOUT_L1 = 2;
/** Beside key and value: header, expiry, the place in the table. */
const REDIS_ENTRY_BYTES = 150;
const TOMBSTONE_BYTES = 181;
const L1_ENTRY_BYTES = 256;
/** One for commands, one for the channel. */
const CONNECTIONS_PER_INSTANCE = 2;

export function loadOf(traffic: Traffic, rates: Rates, { keyBytes, valueBytes }: EntrySize, costs = COSTS): Load {
  const { instances, evictions, l1Entries } = traffic;
  const polls = instances * (l1Entries === 0 ? POLLS_WITHOUT_L1 : POLLS_PER_SECOND);
  const published = evictions + rates.contended;
  const messages = published * instances;
  const micros =
    rates.l2Hits * costs.hit +
    rates.misses * costs.miss +
    evictions * costs.eviction +
    messages * costs.message +
    polls * costs.poll;
  return {
    commands: rates.l2Hits * 2 + rates.misses * 4 + evictions + polls,
    messages,
    redisCore: micros / 1e6,
    instanceCore: (published * costs.received) / 1e6,
    redisBytes: rates.entries * (keyBytes + valueBytes + REDIS_ENTRY_BYTES) + rates.tombstones * TOMBSTONE_BYTES,
    l1Bytes: rates.l1Entries * (valueBytes + L1_ENTRY_BYTES),
    connections: instances * CONNECTIONS_PER_INSTANCE,
  };
}
