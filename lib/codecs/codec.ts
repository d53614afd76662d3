import type { Payload } from '../entries/stored-entry.js';

/**
 * An encoded value. `meta` is short text without a newline that decode needs besides the payload; '' for plain values.
 */
export interface Encoded {
  readonly payload: Payload;
  readonly meta: string;
  /**
   * The first instance of a class that comes back as something else; null: none. Absent: not known, so that the value
   * is compared with what comes back.
   */
  readonly lostClass?: LostClass | null;
}

/** An instance that comes back without its class. */
export interface LostClass {
  /** Null when it has none that could be named: its prototype is another object, or its class is anonymous. */
  readonly name: string | null;
  /** What comes back, such as `a plain object`. */
  readonly becomes: string;
  /**
   * True: `type` makes it of the class again, since its fields come back, and it is the value itself or an item of a
   * list that is the value.
   */
  readonly isRevivable: boolean;
}

/** A decoded value. */
export interface Decoded {
  readonly value: unknown;
  /**
   * True when `Object.freeze` makes the whole value immutable. False when it holds a Date, Map, Set or bytes, whose
   * content cannot be frozen: such a value is never shared between callers, each gets its own.
   */
  readonly freezable: boolean;
}

/**
 * Value <-> bytes. A codec keeps types or refuses; what it changes it tells by `lostClass`, or its documentation lists
 * it (see json-codec.ts for what is no data, such as symbol-named properties).
 *
 * `decode(encode(value))` is what every caller sees, on a miss as on a hit.
 */
export interface Codec {
  /**
   * Short name: last segment of the Redis key and first word of the entry's format, such as `json`. Lower-case letters,
   * digits, `-`.
   */
  readonly id: string;
  /** True when payloads are Buffers. */
  readonly binary: boolean;
  /**
   * @throws CacheError RC_ENCODE_FAILED when the value cannot be kept (functions, symbols, cycles); the message names
   * the path.
   */
  encode(value: unknown): Encoded;
  /** @throws any error when the payload is not what `encode` wrote; the caller treats it as a miss. */
  decode(payload: Payload, meta: string): Decoded;
}
