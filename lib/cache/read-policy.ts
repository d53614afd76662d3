import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Version } from '../entries/version.js';
import { toMilliseconds } from '../options/duration.js';
import { resolveTable } from '../options/option-table.js';
import type { EntryOptions, OfResult } from '../options/policy-options.js';
import { POLICY_AT, type ResolvedMethodPolicy } from '../options/policy-table.js';
import type { ResolvedRegionOptions } from '../options/resolved-options.js';
import type { ValueType } from '../options/value-type.js';
import { CacheError, describeThrown } from '../shared/errors.js';
import { dropPromise } from '../shared/option-function.js';

/**
 * How one call by hand differs from its region. Unknown and wrong options are refused (RC_INVALID_OPTION). An object is
 * checked once, and one that says what the last one said, but for its tags, needs no check: one made outside of the
 * calls is cheaper than one with functions that is made anew for each.
 *
 * @publicApi
 */
export interface ReadOptions<T = unknown> extends EntryOptions<T, []> {
  /**
   * Grows with each write of the row; an entry of an older version never replaces a newer one. `null` and `undefined`
   * have none.
   */
  version?: OfResult<Version, NonNullable<T>>;
}

/** As {@link ReadOptions}; functions of a decorated method get `(result, ...args)`. Checked already. */
export type StatedOptions = Omit<ReadOptions, OfResultName> & { readonly [name in OfResultName]?: unknown };

type OfResultName = 'ttl' | 'tags' | 'version' | 'unless';

type Args = readonly unknown[];

/**
 * How a decoded value becomes what the caller gets. Equal shapes of a region are one object, so that identity tells
 * them apart.
 */
export interface ValueShape {
  readonly type: ValueType | null;
  readonly schema: StandardSchemaV1 | null;
  readonly mutable: boolean;
}

/**
 * What the engine reads: a region's options with a method's on top, durations in ms, made once per method. Its
 * functions throw CacheError only.
 */
export interface ReadPolicy extends Omit<ResolvedMethodPolicy, 'ttlMs' | 'timeout' | 'staleIf' | keyof ValueShape> {
  readonly ttlMs: (value: unknown, args: Args) => number;
  /** The same for every result; null: a function says. */
  readonly fixedTtlMs: number | null;

  /** Infinity: none. */
  readonly softTimeoutMs: number;
  readonly hardTimeoutMs: number;
  /** Null: as said at isOutOfOrder. */
  readonly staleIf: ((error: unknown) => boolean) | null;
  /** Null: never any tags. */
  readonly tags: ((value: unknown, args: Args) => readonly string[]) | null;
  readonly version: ((value: unknown, args: Args) => unknown) | null;
  readonly unless: ((value: unknown, args: Args) => boolean) | null;
  readonly shape: ValueShape;
  /** What the policy belongs to, for messages: `UsersService.findOne`, or `region "profile"`. */
  readonly where: string;
}

/**
 * @param where what the options belong to, for messages
 * @throws CacheError RC_INVALID_OPTION
 */
export function resolveReadPolicy(region: ResolvedRegionOptions, options: StatedOptions, where: string): ReadPolicy {
  const { ttl, tags, version, unless } = options;
  const ttlOf = typeof ttl === 'function' ? ofResult<unknown>('ttl', ttl, where) : null;
  const stated = ttlOf ? { ...options, ttl: undefined } : options;
  const resolved = resolveTable(POLICY_AT.method, stated, `${where}: `, region);
  const { ttlMs, type, schema, mutable, timeout, staleIf, ...rest } = resolved;
  const staleIfOf = staleIf && ofResult<boolean>('staleIf', staleIf, where);
  const limit = (name: 'soft' | 'hard') => {
    const length = timeout?.[name];
    return length === undefined ? Infinity : toMilliseconds(`${where}: timeout.${name}`, length);
  };
  return Object.freeze({
    ...rest,
    ttlMs: ttlOf ? (value: unknown, args: Args) => toMilliseconds(`${where}: ttl`, ttlOf(value, args)) : () => ttlMs,
    fixedTtlMs: ttlOf ? null : ttlMs,

    softTimeoutMs: limit('soft'),
    hardTimeoutMs: limit('hard'),
    staleIf: staleIfOf && ((error: unknown) => staleIfOf(error, [])),
    tags: tags === undefined ? null : tagsOf(tags, where),
    version: version === undefined ? null : ofResult<unknown>('version', version, where),
    unless: unless === undefined ? null : ofResult<boolean>('unless', unless, where),
    shape: shapeOf(region, { type, schema, mutable }),
    where,
  });
}

/** @param stated tags, or a function that gives them */
export function tagsOf(stated: unknown, where: string): NonNullable<ReadPolicy['tags']> {
  return ofResult<readonly string[]>('tags', stated, where);
}

/** The method's own options first, then its class's; the region's follow in resolveReadPolicy. */
export function withDefaults<Options extends object>(options: Options, byDefault: object): Options {
  const merged = { ...options } as Record<string, unknown>;
  for (const name of Object.keys(POLICY_AT.class)) merged[name] ??= (byDefault as Record<string, unknown>)[name];
  return merged as Options;
}

/** True when values are handed out as the region's options say. */
export function isOfRegionsShape(options: object): boolean {
  return !('type' in options || 'schema' in options || 'mutable' in options || 'earlyRefresh' in options);
}

/** By type and schema, weakly: one made anew for a call is let go with it. */
type Shapes = WeakMap<object, WeakMap<object, ShapePair>>;
type ShapePair = { shared?: ValueShape; mutable?: ValueShape };

const shapes = new WeakMap<ResolvedRegionOptions, Shapes>();

/** Stands for no type, and for no schema. */
const NONE = {};
const PLAIN = {};

function shapeOf(region: ResolvedRegionOptions, wanted: ValueShape): ValueShape {
  const ofRegion: Shapes = entryIn(shapes, region, () => new WeakMap());
  const ofType = entryIn(
    ofRegion,
    wanted.type === 'plain' ? PLAIN : (wanted.type ?? NONE),
    () => new WeakMap<object, ShapePair>(),
  );
  const ofSchema = entryIn<object, ShapePair>(ofType, wanted.schema ?? NONE, () => ({}));
  return (ofSchema[wanted.mutable ? 'mutable' : 'shared'] ??= Object.freeze(wanted));
}

function entryIn<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** @throws (the function) CacheError RC_OPTION_FUNCTION when the application's function throws, or returns a promise */
function ofResult<X>(name: string, fixedOrFunction: unknown, where: string): (value: unknown, args: Args) => X {
  if (typeof fixedOrFunction !== 'function') return () => fixedOrFunction as X;
  const failure = (how: string, options?: ErrorOptions) =>
    new CacheError('RC_OPTION_FUNCTION', `${where}: the function '${name}' ${how}`, options);
  return (value, args) => {
    let result: X;
    try {
      result = fixedOrFunction(value, ...args);
    } catch (cause) {
      throw failure(`threw ${describeThrown(cause)}. Make it return for every result.`, { cause });
    }
    if (!dropPromise(result)) return result;
    throw failure('returned a promise, which nobody waits for. Decide by the result and the arguments alone.');
  };
}
