import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Codec, Decoded, Encoded } from '../codecs/codec.js';
import type { Payload } from '../entries/stored-entry.js';
import type { ValueType } from '../options/redis-cache-options.js';
import { CacheError, describeValue, isCacheError } from '../shared/errors.js';
import { freezeDeep, isPlainTree } from './freeze.js';
import { isClass, MisfitError, type Revive, reviveBySchema, reviveByType } from './revive.js';

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

/** Tells that an instance of a class was encoded that will come back as something else. */
export type ReportClass = (className: string, region: string) => void;

/**
 * Value -> payload and back, for one {@link ValuePolicy}.
 *
 * Decoding is codec, then schema, then type, then freeze. A value is frozen and shared unless its policy is mutable, or it holds what
 * cannot be frozen: Date, Map, Set, bytes, or instances made by a schema or a type function.
 */
export class ValuePipeline {
  private readonly codec: Codec;
  private readonly isMutable: boolean;
  private readonly validate: Revive | null;
  private readonly revive: Revive | null;
  private readonly revivesToClass: boolean;
  private readonly reportClass: ReportClass | null;

  /** @throws CacheError RC_INVALID_OPTION when `type` is a built-in class */
  constructor(policy: ValuePolicy, reportClass: ReportClass | null = null) {
    this.codec = policy.codec;
    this.isMutable = policy.mutable;
    this.validate = policy.schema && reviveBySchema(policy.schema);
    this.revive = policy.type && reviveByType(policy.type);
    this.revivesToClass = policy.type !== null && isClass(policy.type);
    this.reportClass = policy.type || policy.schema ? null : reportClass;
  }

  /**
   * @param region for the report of a class that gets lost
   * @throws CacheError RC_ENCODE_FAILED
   */
  encode(value: unknown, region: string): EncodedValue {
    const { payload, meta, className } = this.encodeByCodec(value);
    if (className) this.reportClass?.(className, region);
    return {
      payload,
      format: meta === '' ? this.codec.id : `${this.codec.id} ${meta}`,
      bytes: typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length,
    };
  }

  /**
   * @throws CacheError RC_DECODE_FAILED when another codec wrote the entry, it is damaged, or it does not fit schema or type: it is a
   *   miss then; RC_INVALID_OPTION when the schema is asynchronous
   */
  decode(payload: Payload, format: string): CachedValue {
    const { value, freezable } = this.decodeOnce(payload, format);
    if (this.isMutable || !freezable) {
      return { value, isShared: false, fresh: () => this.decodeOnce(payload, format).value };
    }
    try {
      freezeDeep(value);
    } catch (error) {
      throw this.decodeFailure('it could not be frozen', error);
    }
    return { value, isShared: true, fresh: () => value };
  }

  private encodeByCodec(value: unknown): Encoded {
    try {
      return this.codec.encode(value);
    } catch (error) {
      if (isCacheError(error)) throw error;
      throw new CacheError('RC_ENCODE_FAILED', `The value cannot be cached: the codec '${this.codec.id}' failed.`, {
        cause: error,
      });
    }
  }

  private decodeOnce(payload: Payload, format: string): Decoded {
    const decoded = this.decodeByCodec(payload, format);
    if (this.validate === null && this.revive === null) return decoded;
    let { value, freezable } = decoded;
    try {
      if (this.validate) {
        value = this.validate(value);
        freezable = isPlainTree(value);
      }
      if (this.revive) {
        value = this.revive(value);
        freezable = this.revivesToClass ? freezable : isPlainTree(value);
      }
    } catch (error) {
      if (isCacheError(error)) throw error;
      throw this.decodeFailure(error instanceof MisfitError ? error.message : 'type or schema failed', error);
    }
    return { value, freezable };
  }

  private decodeByCodec(payload: Payload, format: string): Decoded {
    const { id } = this.codec;
    if (format !== id && !(format.startsWith(id) && format[id.length] === ' ')) {
      throw this.decodeFailure(`it was written by the codec ${describeValue(format.split(' ', 1)[0])}`);
    }
    try {
      return this.codec.decode(payload, format.slice(id.length + 1));
    } catch {
      // What JSON.parse throws quotes the payload: it is neither told nor kept as the cause.
      throw this.decodeFailure('it is damaged');
    }
  }

  private decodeFailure(reason: string, cause?: unknown): CacheError {
    return new CacheError(
      'RC_DECODE_FAILED',
      `A cached entry cannot be read by the codec '${this.codec.id}': ${reason}. It is loaded anew.`,
      cause === undefined ? undefined : { cause },
    );
  }
}
