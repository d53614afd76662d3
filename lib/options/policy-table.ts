import type { Level, OptionSpec, OptionTable, ResolvedOf } from './option-table.js';
import * as is from './option-schemas.js';
import type { RegionOptions } from './policy-options.js';

const LIFE = ['cache', 'region', 'class', 'method', 'response'] as const;
const SOURCE = ['cache', 'region', 'class', 'method'] as const;
const STORAGE = ['cache', 'region'] as const;
const FORM = ['region', 'class', 'method'] as const;
const REGION = ['region'] as const;

/**
 * A default is what holds where nobody states anything; each with its reason. Words for users stand in
 * policy-options.ts.
 */
export const POLICY = {
  ttl: {
    levels: LIFE,
    kind: 'duration',
    schema: is.longerThanNothing('longer than 0 (`unless` and `condition` leave a value uncached)'),
    isOftenSeconds: true,
    ofResult: `a duration such as '5m', longer than 0`,
    // long enough to matter, short enough that a write past the cache is forgiven within a coffee
    default: '5m',
  },
  // entries written together by a warm-up or a deploy expire over the last tenth of their ttl
  jitter: { levels: LIFE, kind: 'share', schema: is.share, default: 0.1 },
  // null: as the ttl; 0: null and undefined are not cached
  negativeTtl: { levels: LIFE, kind: 'duration', schema: is.duration, default: undefined },
  // stale values are served only where the application says so
  staleWhileRevalidate: { levels: LIFE, kind: 'duration', schema: is.duration, default: 0 },
  staleIfError: { levels: LIFE, kind: 'duration', schema: is.duration, default: 0 },

  // undefined: none; what a load may take is known to the application alone
  timeout: { levels: SOURCE, kind: 'value', schema: is.timeouts, default: undefined },
  // undefined: an HTTP status of 400 to 499 is an answer, anything else an outage
  staleIf: { levels: SOURCE, kind: 'value', schema: is.predicate, default: undefined },
  // short enough that nobody notices the end of an outage late, long enough to spare a source that is down
  errorBackOff: { levels: SOURCE, kind: 'duration', schema: is.duration, default: '1s' },
  // 0: never. A load that nobody waits for is still one more load
  earlyRefresh: { levels: SOURCE, kind: 'value', schema: is.factor, default: 0 },

  // undefined: as many as are asked for
  maxConcurrentLoads: { levels: STORAGE, kind: 'value', schema: is.count(1), default: undefined },
  // a burst finds room, a flood does not
  maxQueuedLoads: { levels: STORAGE, kind: 'value', schema: is.count(0), default: 100 },
  rollout: { levels: STORAGE, kind: 'share', schema: is.share, default: 1 },

  // readable in redis-cli and by other languages
  codec: { levels: STORAGE, kind: 'value', schema: is.codec, default: 'json' },
  // longer than a slow query; a loader that hangs blocks its key no longer than this
  lease: { levels: STORAGE, kind: 'duration', schema: is.timer(is.longerThanNothing()), default: '10s' },
  // below the usual 30 s and 60 s limits of proxies, with room for the caller's own load
  maxWait: { levels: STORAGE, kind: 'duration', schema: is.timer(is.duration), default: '5s' },
  // longer than the statement and transaction timeouts that databases are commonly given
  fence: { levels: STORAGE, kind: 'duration', schema: is.timer(is.longerThanNothing()), default: '30s' },
  // longer than a consumer group's rebalance or a deploy delays an event
  tombstone: { levels: STORAGE, kind: 'duration', schema: is.longerThanNothing(), default: '10m' },
  // above it a value costs more to move than most queries; Redis serves one command at a time
  maxValueBytes: { levels: STORAGE, kind: 'value', schema: is.count(1), default: 1024 ** 2 },
  // from there on it costs less than the network that it saves, and little beside JSON: docs/decisions/0060
  compressFrom: {
    levels: STORAGE,
    kind: 'value',
    schema: is.falseOr(is.count(1), 'false, or a whole number >= 1'),
    default: 64 * 1024,
  },

  mutable: { levels: FORM, kind: 'value', schema: is.flag, default: false },
  type: { levels: FORM, kind: 'value', schema: is.valueType, default: undefined },
  schema: { levels: ['region', 'method'], kind: 'value', schema: is.schema, default: undefined },

  // the same for every codec: releases with different codecs have one key for one value, which an eviction of either
  // reaches
  attribute: { levels: REGION, kind: 'value', schema: is.name, default: 'json' },
  shape: { levels: REGION, kind: 'value', schema: is.count(1), default: 1 },
  // readable keys are what one looks for in an incident
  keys: { levels: REGION, kind: 'value', schema: is.choice('plain', 'hashed'), default: 'plain' },
  l1: { levels: REGION, kind: 'value', schema: is.onlyFalse('false, or left out'), default: true },
} as const satisfies Record<keyof RegionOptions, OptionSpec & { readonly levels: readonly Level[] }>;

type Policy = typeof POLICY;

/** The options that may be stated at a level. */
type PolicyAt<L extends Level> = {
  readonly [Name in keyof Policy as L extends Policy[Name]['levels'][number] ? Name : never]: Policy[Name];
};

function policyAt<L extends Level>(level: L): PolicyAt<L> {
  const entries = Object.entries(POLICY).filter(([, { levels }]) => (levels as readonly Level[]).includes(level));
  return Object.fromEntries(entries) as OptionTable as PolicyAt<L>;
}

export const POLICY_AT = Object.freeze({
  cache: policyAt('cache'),
  region: POLICY,
  class: policyAt('class'),
  method: policyAt('method'),
  response: policyAt('response'),
});

/** A region's policy as the code reads it. */
export type ResolvedPolicy = ResolvedOf<Policy>;

/** What of it a method or a call may differ in. */
export type ResolvedMethodPolicy = ResolvedOf<PolicyAt<'method'>>;
