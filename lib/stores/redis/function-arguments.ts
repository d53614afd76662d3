import type { Payload, StoredEntry } from '../../entries/stored-entry.js';
import type { CacheKey } from '../../keys/cache-key.js';
import { Keyspace } from '../../keys/keyspace.js';
import type { EntryArgs } from '../remote-store.js';
import { escapeText, parseEntry } from './entry-header.js';

/** How keys, entries and times go to the functions, and an entry comes back. */

/** An entry's two keys. */
export const pairOf = (key: CacheKey): string[] => [key.entry, Keyspace.sideKey(key.entry)];

/** @throws RangeError where they are of several */
export function bucketOf(keys: readonly CacheKey[]): number {
  const bucket = keys[0]?.bucket ?? 0;
  if (keys.some((key) => key.bucket !== bucket)) throw new RangeError('all keys of one call must be of one bucket');
  return bucket;
}

/** What FILL and PUT write. `label`: what they judge it by. Entries of a region mostly share it. */
export function entryArguments({
  region,
  tags,
  version,
  staleMs,
  format,
  ttlMs,
  loadMicros,
  payload,
}: EntryArgs & { region: string }): { label: string; ttlMs: number; tail: string | Buffer } {
  const tagList = tags.length === 0 ? '' : tags.map(escapeText).join(',');
  const head = `${wholeMs(loadMicros)}|${version}|${tagList}|${format}\n`;
  return {
    label: `${wholeMs(staleMs)}|${version}|${tagList}|${escapeText(region)}`,
    ttlMs: positiveMs(ttlMs),
    tail: typeof payload === 'string' ? head + payload : Buffer.concat([Buffer.from(head), payload]),
  };
}

/** @param isBinary its payload is wanted as bytes. Null: no entry, or a damaged one */
export function entryOf(raw: unknown, isBinary: boolean): StoredEntry | null {
  if (Buffer.isBuffer(raw)) return parseEntry(isBinary ? raw : raw.toString());
  return typeof raw === 'string' ? parseEntry(raw as Payload) : null;
}

const MAX_WHOLE = 10 ** 15;
/** 0 and up. */
export const wholeMs = (ms: number): number => Math.min(MAX_WHOLE, Math.max(0, Math.round(ms)));
/** 1 and up: 0 would mean "for ever" or "not at all". */
export const positiveMs = (ms: number): number => Math.max(1, wholeMs(ms));
