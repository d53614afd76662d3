import { labelBytes, MAX_LABEL_BYTES } from '../entries/stored-entry.js';
import { checkTags } from '../entries/tags.js';
import { canonicalVersion } from '../entries/version.js';
import { describeThrown, isCacheError } from '../shared/errors.js';
import type { EntryArgs } from '../stores/remote-store.js';
import type { EntryCall } from './entry-call.js';
import type { ReadPolicy } from './read-policy.js';
import type { CachedValue, EncodedValue } from '../values/value-pipeline.js';

/** A value of the application on its way into the cache. */
export interface PreparedValue {
  readonly encoded: EncodedValue;
  /** What every caller gets: the value after encode and decode, so that a miss and a hit never differ. */
  readonly decoded: CachedValue;
  /** What to write, or null when the value is not to be cached: `unless`, a ttl of 0, too large, an option function failed. */
  readonly entry: Omit<EntryArgs, 'loadMicros'> | null;
}

type Call = Pick<EntryCall, 'region' | 'policy' | 'args'>;

/**
 * Encodes a value and decides whether and how it is cached. Null when it cannot be kept (it does not come back from codec, schema and
 * type): the application's own value is then returned, as it is. One warning per method (by hand: per region) and code says why a value is not cached.
 *
 * Total: after a write, whatever fails here must still leave the key absent.
 */
export function prepare(call: Call, value: unknown, random: () => number): PreparedValue | null {
  const { region, policy } = call;
  let kept: { encoded: EncodedValue; decoded: CachedValue } | null = null;
  try {
    kept = region.pipelineOf(policy.shape).keep(value);
    return { ...kept, entry: entryOf(call, value, kept.encoded, random) };
  } catch (error) {
    region.counts.encodeFailures += 1;
    const { code, message } = isCacheError(error) ? error : { code: '', message: describeThrown(error) };
    region.warnOnce(`${policy.where} ${code}`, `${policy.where}: a result is returned and not cached. ${message}`);
    return kept && { ...kept, entry: null };
  }
}

/** Before jitter. @throws CacheError RC_OPTION_FUNCTION, RC_INVALID_OPTION */
export function fullTtlMs(policy: ReadPolicy, value: unknown, args: readonly unknown[]): number {
  return isNegative(value) && policy.negativeTtlMs !== null ? policy.negativeTtlMs : policy.ttlMs(value, args);
}

function isNegative(value: unknown): boolean {
  return value === null || value === undefined;
}

function entryOf(
  call: Call,
  value: unknown,
  encoded: EncodedValue,
  random: () => number,
): Omit<EntryArgs, 'loadMicros'> | null {
  const { region, policy, args } = call;
  if (policy.unless?.(value, args)) return null;
  const ttlMs = Math.round(fullTtlMs(policy, value, args) * (1 - policy.jitterRatio * random()));
  if (!(ttlMs >= 1)) return null;
  if (encoded.bytes > region.options.maxValueBytes) {
    region.counts.tooLarge += 1;
    region.warnOnce(
      `${policy.where} too large`,
      `${policy.where}: a value of ${encoded.bytes} bytes is returned and not cached, maxValueBytes is ${region.options.maxValueBytes}. ` +
        `Cache less, or raise maxValueBytes. [RC_VALUE_TOO_LARGE]`,
    );
    return null;
  }
  const tags = policy.tags ? checkTags(policy.tags(value, args), policy.where) : [];
  const bytes = labelBytes(tags, encoded.format);
  if (bytes > MAX_LABEL_BYTES) {
    region.counts.tooLarge += 1;
    region.warnOnce(
      `${policy.where} labels`,
      `${policy.where}: a value with ${tags.length} tags is returned and not cached: tags and format take ${bytes} bytes, and ${MAX_LABEL_BYTES} ` +
        `is the limit. Give it fewer or shorter tags. [RC_VALUE_TOO_LARGE]`,
    );
    return null;
  }
  return {
    payload: encoded.payload,
    format: encoded.format,
    ttlMs,
    staleMs: Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs),
    tags,
    version: policy.version && !isNegative(value) ? canonicalVersion(policy.version(value, args), policy.where) : '',
  };
}
