/** What a process did, as its history keeps it. The order is the code in the file: append only. */
export const OPERATION_KINDS = [
  /** A read that returned `version`. */
  'read',
  /** A read that failed. No fault may cause that. */
  'failed-read',
  /** A run of a loader; `version` is what it read from the source. */
  'load',
  /** A write to the source of truth that made `version`. */
  'commit',
  /** Evictions without a version: void whatever was committed before they began. */
  'evict',
  'evict-tag',
  'clear-region',
  'clear-all',
  /** Writes that promise their own `version` or a newer one once they are acknowledged. */
  'evict-version',
  'put-version',
  'write',
  /** The process was killed after its commit, inside a strict write: nothing stale may be left. */
  'crash-strict',
  /** The same without a fence: the window is measured. */
  'crash-plain',
  /** An eviction of a key and of what is made of it, in one call. */
  'evict-together',
  /** A write of a key that evicts what is made of it, in one call: all of it is of its own `version` or newer. */
  'write-together',
] as const;

export type OperationKind = (typeof OPERATION_KINDS)[number];

/** One entry of a history. Moments are those of monotonic.ts. */
export interface Operation {
  readonly kind: OperationKind;
  /** Number of the process (of this life of it). */
  readonly process: number;
  /** Index of the region. */
  readonly region: number;
  /** Number of the key; for `evict-tag` of the tag. */
  readonly key: number;
  readonly version: number;
  readonly begin: number;
  readonly end: number;
  /** False: Redis did not acknowledge it, and its caller was told so. */
  readonly isAcknowledged: boolean;
}
