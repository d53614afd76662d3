/** What was known of a connection when something was sent on it. */
export interface Sent {
  /** That of the connection. */
  readonly epoch: number;
  /** Local ms. */
  readonly atMs: number;
  /** How many functions had been sent by then, itself included if it is one. */
  readonly functions: number;
}

/** For which buckets the server at the end of one connection has identified itself: of these, plain reads count. */
export class IdentifiedBuckets {
  /** Per bucket, the epoch in which a function for it was accepted; -1: none, or it is not believed any more. */
  private readonly inEpoch: Int32Array;
  /** Per bucket, the number of that function. */
  private readonly byFunction: Float64Array;
  /** Per bucket, when the last function for it was sent that was accepted, local ms. */
  private readonly acceptedAtMs: Float64Array;

  /** @param trustMs how long an accepted function proves that its server may be written to (R20) */
  constructor(
    bucketCount: number,
    private readonly trustMs: number,
  ) {
    this.inEpoch = new Int32Array(bucketCount).fill(-1);
    this.byFunction = new Float64Array(bucketCount);
    this.acceptedAtMs = new Float64Array(bucketCount).fill(-Infinity);
  }

  /** The server accepted a function for the bucket. */
  accepted(bucket: number, { epoch, atMs, functions }: Sent): void {
    if (this.inEpoch[bucket] !== epoch) this.byFunction[bucket] = functions;
    this.inEpoch[bucket] = epoch;
    this.acceptedAtMs[bucket] = Math.max(this.acceptedAtMs[bucket]!, atMs);
  }

  /**
   * Whether what was sent is to be believed. A function that was sent after it proves nothing of it (R9), also when
   * both replies came together and that one was taken first.
   */
  has(bucket: number, { epoch, atMs, functions }: Sent): boolean {
    if (this.inEpoch[bucket] !== epoch || this.byFunction[bucket]! > functions) return false;
    return atMs - this.acceptedAtMs[bucket]! <= this.trustMs;
  }

  /** Forgets what was proven about a bucket. */
  forget(bucket: number): void {
    this.inEpoch[bucket] = -1;
  }
}
