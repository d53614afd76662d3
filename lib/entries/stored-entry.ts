/** The bytes of a value as its codec wrote them: text for text codecs, a Buffer for binary ones. */
export type Payload = string | Buffer;

/**
 * Most bytes of an entry's tags and format together, by {@link labelBytes}. Every look at an entry reads them, and a
 * store need not keep more: in Redis they stand in the entry's header.
 */
export const MAX_LABEL_BYTES = 65_000;

/** Bytes of tags and format as a store writes them at most: escaped, with a separator after each. */
export function labelBytes(tags: readonly string[], format: string): number {
  let bytes = Buffer.byteLength(format);
  for (const tag of tags) {
    bytes += 1 + Buffer.byteLength(tag) + 2 * (tag.match(SEPARATORS)?.length ?? 0);
    if (!tag.isWellFormed()) bytes += 3 * tag.length;
  }
  return bytes;
}

const SEPARATORS = /[%|,\n]/g;

/** What stands in L2 under a key: the payload and the metadata of its header. */
export interface StoredEntry {
  readonly payload: Payload;
  /**
   * What the codec needs to read the payload: its id, and after a space whatever the codec added (see codecs/codec.ts).
   */
  readonly format: string;
  /** Lease stamp `s`: the entry is dead when a tag, its region or `*` was stamped with a number >= this. */
  readonly stamp: number;
  /** Incarnation of the bucket in which it was written. */
  readonly incarnation: number;
  /** Server time, µs since the epoch, until which it is fresh; 0 when it was soft-evicted. */
  readonly freshUntilMicros: number;
  /** How long its load took, µs. */
  readonly loadMicros: number;
  /** Canonical version (see entries/version.ts), or '' when it has none. */
  readonly version: string;
  readonly tags: readonly string[];
}
