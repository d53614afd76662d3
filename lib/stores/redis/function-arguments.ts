import type { Payload, StoredEntry } from '../../entries/stored-entry.js';
import type { CacheKey } from '../../keys/cache-key.js';
import { Keyspace } from '../../keys/keyspace.js';
import type { EntryArgs } from '../remote-store.js';
import { escapeText, parseEntry } from './entry-header.js';
import type { Argument } from './redis-node.js';

/** How keys, entries and times go to the functions, and an entry comes back. */

/** An entry's two keys. */
export const pairOf = (key: CacheKey): string[] => [key.entry, Keyspace.sideKey(key.entry)];

/** @throws RangeError where they are of several */
export function bucketOf(keys: readonly CacheKey[]): number {
  const bucket = keys[0]?.bucket ?? 0;
  if (keys.some((key) => key.bucket !== bucket)) throw new RangeError('all keys of one call must be of one bucket');
  return bucket;
}

/** What FILL and PUT write. Entries of a region mostly share the first, taken apart once per call. */
export function entryArguments({
  region,
  tags,
  version,
  staleMs,
  format,
  ttlMs,
  loadMicros,
  payload,
}: EntryArgs & { region: string }): Argument[] {
  const label = `${wholeMs(staleMs)}|${version}|${tags.map(escapeText).join(',')}|${escapeText(region)}|${format}`;
  return [label, positiveMs(ttlMs), wholeMs(loadMicros), payload];
}

/** Null: no entry, or a damaged one. */
export function entryOf(raw: unknown): StoredEntry | null {
  return typeof raw === 'string' || Buffer.isBuffer(raw) ? parseEntry(raw as Payload) : null;
}

const MAX_WHOLE = 10 ** 15;
/** 0 and up. */
export const wholeMs = (ms: number): number => Math.min(MAX_WHOLE, Math.max(0, Math.round(ms)));
/** 1 and up: 0 would mean "for ever" or "not at all". */
export const positiveMs = (ms: number): number => Math.max(1, wholeMs(ms));
