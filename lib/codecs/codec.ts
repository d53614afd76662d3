import type { Payload } from '../entries/stored-entry.js';

/** An encoded value. `meta` is short text without a newline that decode needs besides the payload; '' for plain values. */
export interface Encoded {
  readonly payload: Payload;
  readonly meta: string;
  /** Name of a class whose instance comes back as something else (a plain object, or the result of its `toJSON`); null or absent: none. */
  readonly className?: string | null;
}

/** A decoded value. */
export interface Decoded {
  readonly value: unknown;
  /**
   * True when `Object.freeze` makes the whole value immutable. False when it holds a Date, Map, Set or bytes, whose content
   * cannot be frozen: such a value is never shared between callers, each gets its own.
   */
  readonly freezable: boolean;
}

/**
 * Value <-> bytes. A codec keeps types or refuses; it never changes a value silently.
 *
 * `decode(encode(value))` is what every caller sees, on a miss as on a hit.
 */
export interface Codec {
  /** Short name: last segment of the Redis key and first word of the entry's format, such as `json`. Lower-case letters, digits, `-`. */
  readonly id: string;
  /** True when payloads are Buffers. */
  readonly binary: boolean;
  /** @throws CacheError RC_ENCODE_FAILED when the value cannot be kept (functions, symbols, cycles); the message names the path. */
  encode(value: unknown): Encoded;
  /** @throws any error when the payload is not what `encode` wrote; the caller treats it as a miss. */
  decode(payload: Payload, meta: string): Decoded;
}
