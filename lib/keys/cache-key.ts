/**
 * A key of the cache in its final form.
 *
 * `entry` is the Redis key of the value (V of the protocol), unique over regions; `bucket` is the bucket whose
 * safety data (M) governs it, from 0 to the store's bucket count - 1.
 */
export interface CacheKey {
  readonly entry: string;
  readonly bucket: number;
  /**
   * What L1 found by this very object, so that one which is remembered finds it without a look-up. Written and read by
   * LocalTier alone. Undefined: nothing yet.
   */
  held?: object | undefined;
}
