import type { StoredEntry } from '../entries/stored-entry.js';
import type { BucketPosition, ReadOrLease } from '../stores/remote-store.js';
import { type Compression, isCompressed } from '../values/compression.js';
import type { RegionState } from './region-state.js';

/** A hit as it was found, whose value is to be decompressed. */
export interface CompressedHit {
  readonly decoded: null;
  readonly entry: StoredEntry;
  readonly position: BucketPosition;
  /** When its read was sent, logical time. */
  readonly at: number;
  /** When it was fresh for `freshMs`, local. */
  readonly nowMs: number;
  readonly freshMs: number;
}

/** What is compressed in a reply, or null. */
export function compressedIn(reply: ReadOrLease): StoredEntry | null {
  const entry = reply.kind === 'hit' ? reply.entry : reply.kind === 'fenced' ? null : reply.stale;
  return entry !== null && isCompressed(entry.format) ? entry : null;
}

/** Something compressed was read as text, and that is lost: from now on entries of the region are read as bytes. */
export function isMangled(region: RegionState, { format, payload }: StoredEntry): boolean {
  if (typeof payload !== 'string' || !isCompressed(format)) return false;
  region.readsBytes = true;
  return true;
}

/** As its codec wrote it. What does not come back stays compressed, which no codec reads: a miss then, with a count. */
export async function decompressed(
  { options }: RegionState,
  entry: StoredEntry,
  compression: Compression,
): Promise<StoredEntry> {
  if (!isCompressed(entry.format)) return entry;
  try {
    return { ...entry, ...(await compression.decompress(entry, options.maxValueBytes)) };
  } catch {
    return entry;
  }
}

/**
 * The reply with its entry as the codec wrote it.
 *
 * @param again asks once more, where it came as text
 * @throws what `again` throws
 */
export async function decompressedReply(
  region: RegionState,
  reply: ReadOrLease,
  again: () => Promise<ReadOrLease>,
  compression: Compression,
): Promise<ReadOrLease> {
  let entry = compressedIn(reply);
  if (entry !== null && isMangled(region, entry)) {
    reply = await again();
    entry = compressedIn(reply);
  }
  if (entry === null || reply.kind === 'fenced') return reply;
  entry = await decompressed(region, entry, compression);
  return reply.kind === 'hit' ? { ...reply, entry } : { ...reply, stale: entry };
}
