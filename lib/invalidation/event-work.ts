import type { CacheFinder } from '../application/cache-registry.js';
import type { CacheEngine } from '../cache/cache-engine.js';
import type { Wanted } from '../cache/eviction-group.js';
import { engineOf } from '../cache/redis-cache.js';
import { resolveReadPolicy } from '../cache/read-policy.js';
import type { EvictionOutcome } from '../cache/evictions.js';
import type { Region } from '../cache/region.js';
import { checkTags } from '../entries/tags.js';
import { identifierOf } from '../keys/key-segment.js';
import type { Invalidation } from '../operations/invalidation-rule.js';
import { checkName } from '../options/names.js';
import { CacheError, describeThrown, describeValue } from '../shared/errors.js';
import { dropPromise } from '../shared/option-function.js';
import { soundVersion } from './event-version.js';
import { type BoundRule, regionMissing } from './rule-book.js';

/** What one event does in one cache. */
export interface EventWork {
  readonly cache: CacheEngine;
  readonly wanted: Wanted[];
  readonly puts: (() => Promise<EvictionOutcome>)[];
}

/** What a mapping is judged by. */
export interface Judging {
  readonly caches: CacheFinder;
  /** Ms since the epoch. */
  readonly nowMs: number;
  /** When the event was published or happened; null: nobody knows. */
  readonly eventMs: number | null;
  readonly countBadVersion: () => void;
}

const KNOWN = ['cache', 'region', 'key', 'keys', 'tags', 'allEntries', 'version', 'soft', 'put'];

/** Regions that events alone may name, per cache: each is polled for as long as the process lives. */
const MAX_REGIONS_OF_EVENTS = 100;
const regionsOfEvents = new WeakMap<CacheEngine, Set<string>>();

/**
 * What a rule answered, as evictions and puts.
 *
 * @throws CacheError RC_OPTION_FUNCTION (it threw, or returned a promise), RC_INVALID_EVENT, RC_INVALID_KEY,
 * RC_INVALID_TAG, RC_INVALID_OPTION
 */
export function workOf(rule: BoundRule, answer: () => unknown, judging: Judging): EventWork[] {
  const mapped = answerOf(rule, answer);
  const all = Array.isArray(mapped) ? (mapped as unknown[]) : mapped === null ? [] : [mapped];
  return all.map((one) => workOfOne(rule, checked(one, rule.where), judging));
}

function answerOf({ where }: BoundRule, answer: () => unknown): unknown {
  const failure = (how: string, options?: ErrorOptions) =>
    new CacheError('RC_OPTION_FUNCTION', `The function of the event rule ${where} ${how}`, options);
  let mapped: unknown;
  try {
    mapped = answer();
  } catch (cause) {
    if (cause instanceof CacheError) throw cause;
    throw failure(`threw ${nameOf(cause)}. Make it total: it answers for every event, or null.`, { cause });
  }
  if (!dropPromise(mapped)) return mapped;
  throw failure('returned a promise, which nobody waits for. Decide by the event alone.');
}

/** The class of what was thrown: its text may quote the event. */
function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : describeThrown(typeof thrown);
}

function checked(one: unknown, where: string): Invalidation {
  if (typeof one !== 'object' || one === null || Array.isArray(one)) {
    throw invalid(where, `must return an object such as { key }, a list of these, or null; got ${describeValue(one)}`);
  }
  const unknown = Object.keys(one).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw invalid(where, `returned "${unknown}", which is none of ${KNOWN.join(', ')}`);
  return one as Invalidation;
}

function workOfOne(rule: BoundRule, one: Invalidation, judging: Judging): EventWork {
  const { where } = rule;
  const cache = one.cache === undefined ? rule.cache : engineOf(judging.caches.find(one.cache, where));
  const identifiers = identifiersOf(one, where);
  const work: EventWork = { cache, wanted: [], puts: [] };
  if (one.tags !== undefined) work.wanted.push(...cache.wantedTags(checkTags(one.tags, where)));
  if (identifiers.length === 0 && one.allEntries !== true) {
    if (one.tags === undefined && one.keys === undefined) {
      throw invalid(where, 'returned none of key, keys, tags and allEntries. Return null where nothing is concerned');
    }
    return work;
  }
  const region = regionOf(rule, one, cache);
  if (one.allEntries === true) work.wanted.push(region.wantedClear());
  const version = soundVersion(one.version, where, judging);
  const keys = identifiers.map((identifier) => region.keyOf(identifier));
  if (isPut(one, version, where) && isYoung(judging, region)) {
    const policy = resolveReadPolicy(region.options, { version }, where);
    work.puts.push(() => region.sendPut(keys[0]!, policy, one.put));
  } else work.wanted.push(...region.wantedKeys(keys, version, one.soft === true));
  return work;
}

function identifiersOf(one: Invalidation, where: string): string[] {
  const identifiers = 'key' in one ? [identifierOf(one.key, where)] : [];
  if (one.keys === undefined) return identifiers;
  if (!Array.isArray(one.keys)) throw invalid(where, `must return an array as keys, got ${describeValue(one.keys)}`);
  return [...identifiers, ...one.keys.map((key) => identifierOf(key, where))];
}

function regionOf(rule: BoundRule, one: Invalidation, cache: CacheEngine): Region {
  if (one.region === undefined) {
    // a rule's region is one of its own cache
    if (rule.region === null || cache !== rule.cache) throw regionMissing(rule.where);
    return rule.region;
  }
  const known = cache.namedRegion(one.region);
  if (known) return known;
  checkName(`${rule.where}: region`, one.region);
  let names = regionsOfEvents.get(cache);
  if (!names) regionsOfEvents.set(cache, (names = new Set()));
  if (names.size >= MAX_REGIONS_OF_EVENTS) {
    throw invalid(rule.where, `named more than ${MAX_REGIONS_OF_EVENTS} regions that nothing else uses`);
  }
  names.add(one.region);
  return cache.region(one.region);
}

/** @returns whether there is a value to put, which can be put */
function isPut(one: Invalidation, version: string, where: string): boolean {
  if (one.put === undefined) return false;
  if (one.version === undefined || !('key' in one) || one.keys !== undefined) {
    throw invalid(where, 'returned "put" without one key and a version, by which late events are told');
  }
  // one that cannot be believed: what stands goes
  return version !== '';
}

/** An older event may come after the tombstones of newer ones have ended: it evicts (PROTOCOL 8). */
function isYoung({ nowMs, eventMs }: Judging, region: Region): boolean {
  return eventMs === null || nowMs - eventMs < region.options.tombstoneMs;
}

function invalid(where: string, what: string): CacheError {
  return new CacheError('RC_INVALID_EVENT', `The event rule ${where} ${what}.`);
}
