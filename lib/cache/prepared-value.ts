import { labelBytes, MAX_LABEL_BYTES } from '../entries/stored-entry.js';
import { checkTags } from '../entries/tags.js';
import { canonicalVersion } from '../entries/version.js';
import { describeThrown, isCacheError } from '../shared/errors.js';
import type { EntryArgs } from '../stores/remote-store.js';
import type { EntryCall } from './entry-call.js';
import type { ReadPolicy } from './read-policy.js';
import type { Compression, Written } from '../values/compression.js';
import type { CachedValue, EncodedValue, ValuePipeline } from '../values/value-pipeline.js';

/** A value of the application on its way into the cache. */
export interface PreparedValue {
  /** Size of the encoded value, before it is compressed. */
  readonly bytes: number;
  /** What every caller gets: the value after encode and decode, so that a miss and a hit never differ. */
  readonly decoded: CachedValue;
  /**
   * What to write, or null when the value is not to be cached: `unless`, a ttl of 0, too large, an option function
   * failed.
   */
  readonly entry: EntryToFill | null;
}

/** An entry without what is known of its load later. */
export type EntryToFill = Omit<EntryArgs, 'loadMicros'>;

type Call = Pick<EntryCall, 'region' | 'policy' | 'args'>;

interface Means {
  readonly random: () => number;
  /** Null: the value is not to be written, whatever its size. */
  readonly compression: Compression | null;
}

/**
 * From so many bytes on a value is encoded in one turn of the event loop, and decoded in another: either takes
 * milliseconds.
 */
const TWO_TURNS_BYTES = 256 * 1024;

/**
 * Encodes a value and decides whether and how it is cached. Null when it cannot be kept (it does not come back from
 * codec, schema and type): the application's own value is then returned, as it is. One warning per method (by hand: per
 * region) and code says why a value is not cached.
 *
 * A large value takes more than one turn of the event loop, and only then the answer is a promise, which never rejects.
 *
 * Total: after a write, whatever fails here must still leave the key absent.
 */
export function prepare(
  call: Call,
  value: unknown,
  means: Means,
): PreparedValue | null | Promise<PreparedValue | null> {
  const { region, policy } = call;
  let decoded: CachedValue | null = null;
  let bytes = 0;
  try {
    const pipeline = region.pipelineOf(policy.shape);
    const encoded = pipeline.encode(value);
    ({ bytes } = encoded);
    if (bytes >= TWO_TURNS_BYTES || isCompressible(call, bytes))
      return prepareLarge(call, value, pipeline, encoded, means);
    decoded = pipeline.comeBack(value, encoded);
    return { bytes, decoded, entry: entryOf(call, value, encoded, means.random) };
  } catch (error) {
    notCached(call, error);
    return decoded && { bytes, decoded, entry: null };
  }
}

/** While it is compressed elsewhere, it is decoded here. */
async function prepareLarge(
  call: Call,
  value: unknown,
  pipeline: ValuePipeline,
  encoded: EncodedValue,
  { random, compression }: Means,
): Promise<PreparedValue | null> {
  const { bytes, lostClass } = encoded;
  // of the value as it is now: the application may change its own later
  const asked = attempt(() => entryOf(call, value, encoded, random));
  const isWritten = 'result' in asked && asked.result !== null && compression !== null;
  const compressed = isWritten && isCompressible(call, bytes) ? compression.compress(encoded) : null;
  if (bytes >= TWO_TURNS_BYTES && lostClass === null) await nextTurn();
  const back = attempt(() => pipeline.comeBack(value, encoded));
  if (!('result' in back)) {
    notCached(call, back.error);
    return null;
  }
  if (!('result' in asked)) notCached(call, asked.error);
  const entry = 'result' in asked ? asked.result : null;
  return {
    bytes,
    decoded: back.result,
    entry: entry && compressed ? withPayload(call, entry, await compressed) : entry,
  };
}

function withPayload<Entry extends object>({ region }: Call, entry: Entry, { payload, format }: Written): Entry {
  if (typeof payload !== 'string') region.readsBytes = true;
  return { ...entry, payload, format };
}

function isCompressible({ region }: Call, bytes: number): boolean {
  const { compressFrom } = region.options;
  return compressFrom !== false && bytes >= compressFrom;
}

function notCached({ region, policy }: Call, error: unknown): void {
  region.counts.encodeFailures += 1;
  const { code, message } = isCacheError(error) ? error : { code: '', message: describeThrown(error) };
  region.warnOnce(`${policy.where} ${code}`, `${policy.where}: a result is returned and not cached. ${message}`);
}

function attempt<R>(run: () => R): { readonly result: R } | { readonly error: unknown } {
  try {
    return { result: run() };
  } catch (error) {
    return { error };
  }
}

/** An immediate ends the turn in which it is set; before the second one timers and sockets have theirs. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(setImmediate, resolve));
}

/** Before jitter. @throws CacheError RC_OPTION_FUNCTION, RC_INVALID_OPTION */
export function fullTtlMs(policy: ReadPolicy, value: unknown, args: readonly unknown[]): number {
  return isNegative(value) && policy.negativeTtlMs !== null ? policy.negativeTtlMs : policy.ttlMs(value, args);
}

function isNegative(value: unknown): boolean {
  return value === null || value === undefined;
}

function entryOf(call: Call, value: unknown, encoded: EncodedValue, random: () => number): EntryToFill | null {
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
