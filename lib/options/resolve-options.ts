import { DEFAULT_CACHE } from '../shared/tokens.js';
import { connectionFormOf } from './connection-form.js';
import { CACHE_DEFAULTS, L1_DEFAULTS, REGION_DEFAULTS } from './defaults.js';
import { type Duration, toMilliseconds } from './duration.js';
import { checkName } from './names.js';
import { checkShape } from './check-shape.js';
import { optionNamesAt, optionsSchema, regionSchema } from './options-schema.js';
import type { L1Options, RedisCacheOptions, RegionOptions } from './redis-cache-options.js';
import type { ResolvedOptions, ResolvedRegionOptions } from './resolved-options.js';

/**
 * What an application wrote -> what the code reads: complete, checked, in milliseconds, frozen. A client of the application's is
 * handed on as it is, neither frozen nor copied.
 *
 * @param context.name name of the cache @default 'default'
 * @param context.warn gets what is allowed but probably a mistake
 * @throws CacheError RC_INVALID_OPTION
 */
export function resolveOptions(
  options: RedisCacheOptions,
  context: { name?: string; warn?: (message: string) => void } = {},
): ResolvedOptions {
  const { name = DEFAULT_CACHE, warn = () => undefined } = context;
  checkName('name', name);
  checkShape(optionsSchema, options, {
    root: 'The options of RedisCacheModule',
    prefix: '',
    namesAt: optionNamesAt,
    missing: { service: `the name of the service, first segment of every key, such as 'user'` },
  });
  checkName('service', options.service);
  if (options.redis !== undefined) connectionFormOf(options.redis);
  warnOfSeconds('', options, warn);

  const { l1, enabled: isEnabled = CACHE_DEFAULTS.enabled } = options;
  const defaults = resolveRegion('', options, l1 !== false, REGION_DEFAULTS);
  const regions = new Map<string, ResolvedRegionOptions>();
  for (const [region, regionOptions] of Object.entries(options.regions ?? {})) {
    checkRegion(region, regionOptions);
    if (regionOptions.attribute !== undefined) checkName(`regions.${region}.attribute`, regionOptions.attribute);
    warnOfSeconds(`regions.${region}.`, regionOptions, warn);
    regions.set(region, resolveRegion(`regions.${region}.`, regionOptions, defaults.l1, options));
  }

  return Object.freeze({
    name,
    service: options.service,
    enabled: isEnabled,
    redis: isEnabled ? (options.redis ?? null) : null,
    l1: l1 === false || !isEnabled ? null : resolveL1(l1 ?? {}),
    defaults,
    regions,
    maxKeyLength: options.maxKeyLength ?? CACHE_DEFAULTS.maxKeyLength,
    reads: options.reads ?? CACHE_DEFAULTS.reads,
    commandTimeoutMs: toMilliseconds('commandTimeout', options.commandTimeout ?? CACHE_DEFAULTS.commandTimeout),
    onEvictFailure: options.onEvictFailure ?? CACHE_DEFAULTS.onEvictFailure,
    evictWaitMs: toMilliseconds('evictWait', options.evictWait ?? CACHE_DEFAULTS.evictWait),
    onFenceFailure: options.onFenceFailure ?? CACHE_DEFAULTS.onFenceFailure,
    onFailover: options.onFailover ?? CACHE_DEFAULTS.onFailover,
    buckets: options.buckets ?? CACHE_DEFAULTS.buckets,
  });
}

function checkRegion(name: string, options: unknown): void {
  checkName('The name of a region', name);
  checkShape(regionSchema, options, {
    root: `regions.${name}`,
    prefix: `regions.${name}.`,
    namesAt: () => Object.keys(regionSchema.entries),
  });
}

const stated = new WeakMap<ResolvedRegionOptions, RegionOptions>();

/** What the application wrote for this region in `regions`, without defaults; to tell a choice from a default. */
export function statedOptionsOf(region: ResolvedRegionOptions): Readonly<RegionOptions> {
  return stated.get(region) ?? {};
}

/** `fallback` is asked for what `options` leaves out, then the defaults. */
function resolveRegion(
  path: string,
  options: RegionOptions | RedisCacheOptions,
  l1: boolean,
  fallback: object,
): ResolvedRegionOptions {
  const chosen = { ...REGION_DEFAULTS, ...defined(fallback), ...defined(options) } as RegionOptions &
    typeof REGION_DEFAULTS;
  const ms = (option: keyof RegionOptions) => toMilliseconds(path + option, chosen[option]);
  const resolved = Object.freeze<ResolvedRegionOptions>({
    ttlMs: ms('ttl'),
    jitterRatio: chosen.jitter,
    negativeTtlMs: chosen.negativeTtl === undefined ? null : ms('negativeTtl'),
    staleWhileRevalidateMs: ms('staleWhileRevalidate'),
    staleIfErrorMs: ms('staleIfError'),
    codec: chosen.codec,
    attribute: (options as RegionOptions).attribute ?? REGION_DEFAULTS.attribute,
    shape: (options as RegionOptions).shape ?? REGION_DEFAULTS.shape,
    keys: (options as RegionOptions).keys ?? REGION_DEFAULTS.keys,
    l1: l1 && options.l1 !== false,
    leaseMs: ms('lease'),
    maxWaitMs: ms('maxWait'),
    fenceMs: ms('fence'),
    tombstoneMs: ms('tombstone'),
    maxValueBytes: chosen.maxValueBytes,
    mutable: chosen.mutable,
    type: (options as RegionOptions).type ?? null,
    schema: (options as RegionOptions).schema ?? null,
  });
  stated.set(resolved, path === '' ? {} : (options as RegionOptions));
  return resolved;
}

/** Without the keys whose value is undefined, so that they do not hide a default. */
function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function resolveL1(l1: L1Options): NonNullable<ResolvedOptions['l1']> {
  return Object.freeze({
    maxEntries: l1.maxEntries ?? L1_DEFAULTS.maxEntries,
    maxBytes: l1.maxBytes ?? L1_DEFAULTS.maxBytes,
    maxAgeMs: toMilliseconds('l1.maxAge', l1.maxAge ?? L1_DEFAULTS.maxAge),
  });
}

/** 60 is meant as a minute more often than as 60 ms, and 3600 as an hour. */
export function warnOfSeconds(path: string, options: { ttl?: unknown }, warn: (message: string) => void): void {
  const { ttl } = options as { ttl?: Duration };
  if (typeof ttl !== 'number' || !looksLikeSeconds(ttl)) return;
  warn(`${path}ttl is ${ttl} milliseconds. If seconds were meant, write '${ttl}s'; if not, '${ttl}ms' says so.`);
}

/** Less than a second, or whole minutes when read as seconds and no whole half second when read as milliseconds. */
function looksLikeSeconds(ttl: number): boolean {
  return ttl < 1_000 || (ttl % 60 === 0 && ttl % 500 !== 0);
}
