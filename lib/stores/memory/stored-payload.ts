import type { Payload, StoredEntry } from '../../entries/stored-entry.js';
import type { EntryArgs } from '../remote-store.js';
import type { StoredValue } from './bucket.js';

/** Makes V of what is written. Bytes are copied: the caller goes on to own theirs. */
export function valueToStore(
  args: EntryArgs,
  proof: { readonly stamp: number; readonly incarnation: number },
  nowMicros: number,
): StoredValue {
  const freshUntilMicros = nowMicros + args.ttlMs * 1_000;
  return {
    entry: Object.freeze({
      payload: typeof args.payload === 'string' ? args.payload : Buffer.from(args.payload),
      format: args.format,
      stamp: proof.stamp,
      incarnation: proof.incarnation,
      freshUntilMicros,
      loadMicros: args.loadMicros,
      version: args.version,
      tags: Object.freeze([...args.tags]),
    }),
    expiresAtMicros: freshUntilMicros + args.staleMs * 1_000,
  };
}

/** What a caller gets: text as it stands, bytes as a copy, for a decoder may give out views of them. */
export function handOut(entry: StoredEntry, binary: boolean): StoredEntry {
  const { payload } = entry;
  return typeof payload === 'string' && !binary ? entry : { ...entry, payload: inForm(payload, binary) };
}

function inForm(payload: Payload, binary: boolean): Payload {
  return binary ? Buffer.from(payload as string) : payload.toString();
}
