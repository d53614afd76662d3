import * as v from 'valibot';
import { DEFAULT_CACHE } from '../shared/tokens.js';
import { CACHE, L1 } from './cache-table.js';
import { checkShape } from './check-shape.js';
import { connectionFormOf } from './connection-form.js';
import { checkName } from './names.js';
import { entriesOf } from './option-entries.js';
import * as is from './option-schemas.js';
import { resolveTable, warnOfSeconds } from './option-table.js';
import type { RegionOptions } from './policy-options.js';
import { POLICY, POLICY_AT } from './policy-table.js';
import type { RedisCacheOptions } from './redis-cache-options.js';
import type { ResolvedOptions, ResolvedRegionOptions } from './resolved-options.js';

const l1Names = Object.keys(L1);

const cacheSchema = v.strictObject(
  {
    ...entriesOf(POLICY_AT.cache),
    ...entriesOf(CACHE),
    service: is.inValibot(is.name),
    redis: v.optional(v.unknown()),
    l1: v.optional(v.union([v.literal(false), v.strictObject(entriesOf(L1))], `false, or { ${l1Names.join(', ')} }`)),
    // v.record passes over names such as `constructor`
    regions: v.optional(
      v.custom<Record<string, unknown>>(
        (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
        'an object of region options by name',
      ),
    ),
  },
  'an object of options',
);

/** Of one region; the names of regions are checked beside it. */
const regionSchema = v.strictObject(entriesOf(POLICY_AT.region), 'an object of region options');

/**
 * What an application wrote -> what the code reads: complete, checked, in milliseconds, frozen. A client of the
 * application's is handed on as it is, neither frozen nor copied.
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
  checkShape(cacheSchema, options, {
    root: 'The options of RedisCacheModule',
    prefix: '',
    namesAt: (path) => (path[0] === 'l1' ? l1Names : Object.keys(cacheSchema.entries)),
    missing: { service: `the name of the service, first segment of every key, such as 'user'` },
  });
  if (options.redis !== undefined) connectionFormOf(options.redis);
  warnOfSeconds(POLICY, '', options, warn);

  const ofCache = resolveTable(CACHE, options);
  const ofRegions = resolveTable(POLICY, statedByCache(options));
  const defaults = Object.freeze({ ...ofRegions, l1: options.l1 !== false, stated: Object.freeze({}) });
  const regions = new Map<string, ResolvedRegionOptions>();
  for (const [region, stated] of Object.entries(options.regions ?? {})) {
    checkRegion(region, stated);
    warnOfSeconds(POLICY, `regions.${region}.`, stated, warn);
    const resolved = resolveTable(POLICY, stated, `regions.${region}.`, defaults);
    regions.set(region, Object.freeze({ ...resolved, stated }));
  }

  return Object.freeze({
    ...ofCache,
    name,
    service: options.service,
    redis: ofCache.enabled ? (options.redis ?? null) : null,
    l1: options.l1 === false || !ofCache.enabled ? null : Object.freeze(resolveTable(L1, options.l1 ?? {}, 'l1.')),
    defaults,
    regions,
  });
}

/** Its `l1` is another option than a region's. */
function statedByCache({ l1: _, ...options }: RedisCacheOptions): RegionOptions {
  return options;
}

function checkRegion(name: string, options: unknown): void {
  checkName('The name of a region', name);
  checkShape(regionSchema, options, {
    root: `regions.${name}`,
    prefix: `regions.${name}.`,
    namesAt: () => Object.keys(regionSchema.entries),
  });
}
