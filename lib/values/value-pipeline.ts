import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Codec, Decoded, Encoded } from '../codecs/codec.js';
import type { Payload } from '../entries/stored-entry.js';
import type { ValueType } from '../options/value-type.js';
import { CacheError, classOf, describeValue, isCacheError } from '../shared/errors.js';
import { keepShape } from '../shared/keep-shape.js';
import { isCompressed } from './compression.js';
import { freezeDeep, isPlainTree } from './freeze.js';
import { checkClasses } from './lost-class.js';
import { isMadeByFunction, MisfitError, type Revive, reviveBySchema, reviveByType } from './revive.js';

/** Everything on which the form of a cached value depends. */
export interface ValuePolicy {
  readonly codec: Codec;
  readonly type: ValueType | null;
  readonly schema: StandardSchemaV1 | null;
  /** True: each caller gets a copy of its own. */
  readonly mutable: boolean;
}

/** A value as the store takes it. */
export interface EncodedValue {
  readonly payload: Payload;
  /** Codec id, and after a space its meta. */
  readonly format: string;
  /** Size of the payload in bytes. */
  readonly bytes: number;
  /** As {@link Encoded.lostClass}. */
  readonly lostClass: Encoded['lostClass'];
}

/** A value as callers get it. */
export interface CachedValue {
  /** For one caller; for any number of them when `isShared`. */
  readonly value: unknown;
  /** True: deeply frozen. False: each further caller gets the result of `fresh()`. */
  readonly isShared: boolean;
  /** A value that nobody else has; the value itself when it is shared. @throws as decode */
  fresh(): unknown;
}

/** Deeply frozen. */
class SharedValue implements CachedValue {
  readonly isShared = true;

  constructor(readonly value: unknown) {}

  fresh(): unknown {
    return this.value;
  }
}

keepShape(new SharedValue(null));

/** What is decoded, for messages. */
interface Subject {
  readonly what: string;
  readonly unreadable: string;
  readonly cure: string;
}

const ENTRY: Subject = {
  what: 'A cached entry cannot be read',
  unreadable: 'it is damaged',
  cure: 'It is loaded anew.',
};

const RESULT: Subject = {
  what: 'A result does not come back from the cache',
  unreadable: 'the codec cannot read what it wrote',
  cure: 'Make type and schema fit what the method returns.',
};

/**
 * Value -> payload and back, for one {@link ValuePolicy}.
 *
 * Decoding is codec, then schema, then type, then freeze. A value is frozen and shared unless its policy is mutable, or
 * it holds what cannot be frozen: Date, Map, Set, bytes, or instances made by a schema or a type function.
 */
export class ValuePipeline {
  private readonly codec: Codec;
  private readonly type: ValueType | null;
  private readonly isMutable: boolean;
  private readonly validate: Revive | null;
  private readonly revive: Revive | null;
  private readonly isMadeByFunction: boolean;

  constructor(policy: ValuePolicy) {
    this.codec = policy.codec;
    this.type = policy.type;
    this.isMutable = policy.mutable;
    this.validate = policy.schema && reviveBySchema(policy.schema);
    this.revive = policy.type && reviveByType(policy.type);
    this.isMadeByFunction = policy.type !== null && isMadeByFunction(policy.type);
  }

  /** A value of the application as the store takes it. @throws CacheError RC_ENCODE_FAILED */
  encode(value: unknown): EncodedValue {
    const { payload, meta, lostClass } = this.encodeByCodec(value);
    const format = meta === '' ? this.codec.id : `${this.codec.id} ${meta}`;
    const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
    return { payload, format, bytes, lostClass };
  }

  /**
   * A value of the application as its callers get it.
   *
   * @param encoded what `encode` made of it
   * @throws CacheError RC_CLASS_LOST when an instance in it would come back as something else than `type` says;
   * RC_DECODE_FAILED when it does
   *   not come back, since it does not fit schema or type; RC_INVALID_OPTION when the schema is asynchronous
   */
  comeBack(value: unknown, { payload, format, lostClass }: EncodedValue): CachedValue {
    const decoded = this.decodeAs(RESULT, payload, format);
    // a codec of the application need not say whether it keeps classes
    if (lostClass !== null) checkClasses(value, decoded.value, this.type);
    return decoded;
  }

  /**
   * @param payload as the codec wrote it; of a codec that writes text it may be the bytes of that
   * @throws CacheError RC_DECODE_FAILED when another codec wrote the entry, it is damaged, or it does not fit schema or
   * type: it is a
   *   miss then; RC_INVALID_OPTION when the schema is asynchronous
   */
  decode(payload: Payload, format: string): CachedValue {
    return this.decodeAs(
      ENTRY,
      typeof payload === 'string' || this.codec.binary ? payload : payload.toString(),
      format,
    );
  }

  private decodeAs(subject: Subject, payload: Payload, format: string): CachedValue {
    const { value, freezable } = this.decodeOnce(subject, payload, format);
    if (this.isMutable || !freezable) return this.ownValue(value, payload, format);
    try {
      freezeDeep(value);
    } catch (error) {
      throw this.decodeFailure(subject, 'it could not be frozen', error);
    }
    return new SharedValue(value);
  }

  // apart: what a closure of `decodeAs` knows would be kept with every shared value, its payload too
  private ownValue(value: unknown, payload: Payload, format: string): CachedValue {
    return { value, isShared: false, fresh: () => this.decodeOnce(ENTRY, payload, format).value };
  }

  private encodeByCodec(value: unknown): Encoded {
    const { id, binary } = this.codec;
    const failure = (how: string, options?: ErrorOptions) =>
      new CacheError('RC_ENCODE_FAILED', `The value cannot be cached: the codec '${id}' ${how}.`, options);
    let encoded: Encoded;
    try {
      encoded = this.codec.encode(value);
    } catch (cause) {
      throw isCacheError(cause) ? cause : failure('failed', { cause });
    }
    const { payload, meta } = encoded ?? {};
    if (binary ? !Buffer.isBuffer(payload) : typeof payload !== 'string') {
      throw failure(`gave a payload of the type ${classOf(payload)}, and is to give a ${binary ? 'Buffer' : 'string'}`);
    }
    if (typeof meta !== 'string' || meta.includes('\n')) throw failure('gave a meta that is no text of one line');
    return encoded;
  }

  private decodeOnce(subject: Subject, payload: Payload, format: string): Decoded {
    const decoded = this.decodeByCodec(subject, payload, format);
    if (this.validate === null && this.revive === null) return decoded;
    let { value, freezable } = decoded;
    try {
      if (this.validate) {
        value = this.validate(value);
        freezable = isPlainTree(value);
      }
      if (this.revive) {
        value = this.revive(value);
        if (this.isMadeByFunction) freezable = isPlainTree(value);
      }
    } catch (error) {
      if (isCacheError(error)) throw error;
      // the text of what was thrown may quote the value
      const reason = error instanceof MisfitError ? error.message : `type or schema failed (${classOf(error)})`;
      throw this.decodeFailure(subject, reason, error);
    }
    return { value, freezable };
  }

  private decodeByCodec(subject: Subject, payload: Payload, format: string): Decoded {
    const { id } = this.codec;
    if (format !== id && !(format.startsWith(id) && format[id.length] === ' ')) {
      const reason = isCompressed(format)
        ? 'it is compressed, and damaged or larger than maxValueBytes'
        : `it was written by the codec ${describeValue(format.split(' ', 1)[0])}`;
      throw this.decodeFailure(subject, reason);
    }
    try {
      return this.codec.decode(payload, format.slice(id.length + 1));
    } catch {
      // What JSON.parse throws quotes the payload: it is neither told nor kept as the cause.
      throw this.decodeFailure(subject, subject.unreadable);
    }
  }

  private decodeFailure(subject: Subject, reason: string, cause?: unknown): CacheError {
    return new CacheError(
      'RC_DECODE_FAILED',
      `${subject.what} by the codec '${this.codec.id}': ${reason}. ${subject.cure}`,
      cause === undefined ? undefined : { cause },
    );
  }
}
