import type { CacheRegistry } from '../application/cache-registry.js';
import type { DeclaredMethod } from '../application/declared-methods.js';
import { targetOf } from '../application/operation-target.js';
import { resolveReadPolicy, withDefaults } from '../cache/read-policy.js';
import type { RedisCache } from '../cache/redis-cache.js';
import type { Region } from '../cache/region.js';
import type { CacheOperation } from '../operations/cache-operation.js';
import type { CacheConfigOptions } from '../operations/operation-options.js';
import { rulesOf } from '../operations/invalidate-on.decorator.js';
import type { LoggerPort } from '../shared/logger.js';

const DAY_MS = 86_400_000;
/** Up to here a ttl is taken for the answer to how old a value may be. */
const HOUR_MS = 3_600_000;

/** What the decorators of an application say of one region. */
interface Declared {
  readonly cache: RedisCache;
  readonly region: Region;
  /** Of the longest-lived entries, as far as it is not a function of the result. */
  ttlMs: number;
  hasReader: boolean;
  hasTags: boolean;
  /** By a key or as a whole: by an eviction, a put or an event. */
  isEvicted: boolean;
}

interface Taken {
  readonly operation: CacheOperation;
  readonly known: Declared;
  readonly config: Readonly<CacheConfigOptions>;
  readonly where: string;
}

/**
 * Tells at boot what is allowed and risky about regions, as far as decorators tell: what is evicted by hand is not
 * seen. One line per finding.
 */
export function adviseOnRegions(
  declared: readonly DeclaredMethod[],
  caches: CacheRegistry,
  logger: Pick<LoggerPort, 'log' | 'warn'>,
): void {
  const regions = new Map<Region, Declared>();
  const cachesEvictedByTag = new Set<RedisCache>();
  const lines = new Set<string>();
  for (const { method, runtimeClass } of declared) {
    const targets = method.operations.map((operation) => {
      const { cache, region, config } = targetOf(operation.options, method, runtimeClass, caches);
      let known = regions.get(region);
      if (known === undefined) {
        known = { cache, region, ttlMs: 0, hasReader: false, hasTags: false, isEvicted: false };
        regions.set(region, known);
      }
      take({ operation, known, config, where: method.where }, () => cachesEvictedByTag.add(cache));
      if (rulesOf(runtimeClass.prototype as object).length > 0) known.isEvicted = true;
      return { operation, ...known };
    });
    const line = mixedTiers(targets, method.where);
    if (line !== null && isAdvised(targets[0]!.cache, caches)) lines.add(line);
  }
  const forever = [...regions.values()].filter(
    (one) =>
      one.hasReader &&
      !one.isEvicted &&
      !(one.hasTags && cachesEvictedByTag.has(one.cache)) &&
      isAdvised(one.cache, caches),
  );
  for (const { region, ttlMs } of forever.filter((one) => one.ttlMs > DAY_MS)) {
    lines.add(
      `Region "${region.name}" keeps values for ${Math.round(ttlMs / DAY_MS)} days, and no decorator evicts them, by key or by tag: what changes in the source is served as it was for that long. ` +
        `Evict where it is written (@CacheEvict, @CachePut, @InvalidateOn), give its methods tags, or shorten the ttl.`,
    );
  }
  for (const line of lines) logger.warn(line);
  const others = forever
    .filter(({ ttlMs }) => ttlMs > HOUR_MS && ttlMs <= DAY_MS)
    .map(({ region }) => `"${region.name}"`);
  if (others.length === 0) return;
  logger.log(
    `No decorator evicts from ${others.length === 1 ? 'region' : 'the regions'} ${others.join(', ')}: what changes in the source shows when the ttl is over. ` +
      `Where that is too late, evict where it is written.`,
  );
}

function take({ operation, known, config, where }: Taken, onTagEviction: () => void): void {
  const { tags } = operation.options;
  if (operation.kind === 'evict') {
    const { key, keys, allEntries } = operation.options;
    if (key !== undefined || keys !== undefined || allEntries === true) known.isEvicted = true;
    if (tags !== undefined) onTagEviction();
    return;
  }
  if (operation.kind === 'put') known.isEvicted = true;
  else known.hasReader = true;
  if (tags !== undefined) known.hasTags = true;
  const { fixedTtlMs } = resolveReadPolicy(known.region.options, withDefaults(operation.options, config), where);
  known.ttlMs = Math.max(known.ttlMs, fixedTtlMs ?? known.region.options.ttlMs);
}

/**
 * Two regions that one call evicts are read together: with L1 on one of them only, they differ for a while on other
 * instances.
 */
function mixedTiers(
  targets: readonly { readonly operation: CacheOperation; readonly region: Region; readonly cache: RedisCache }[],
  where: string,
): string | null {
  const evicted = targets.filter(({ operation }) => operation.kind !== 'cacheable' && namesKeys(operation));
  const without = evicted.find(({ region }) => !region.options.l1);
  const having = evicted.find(({ region, cache }) => region.options.l1 && cache.status().l1 !== null);
  if (without === undefined || having === undefined) return null;
  return (
    `${where} evicts from region "${without.region.name}", which has no L1, and from "${having.region.name}", which has: for up to l1.maxAge after it other instances ` +
    `may show the old value of "${having.region.name}" beside the new one of "${without.region.name}". Set l1: false for both, or for neither.`
  );
}

function namesKeys({ kind, options }: CacheOperation): boolean {
  return kind === 'put' || (kind === 'evict' && (options.key ?? options.keys ?? options.allEntries) !== undefined);
}

function isAdvised(cache: RedisCache, caches: CacheRegistry): boolean {
  return caches.all().some((one) => one.cache === cache && one.tellsRisks);
}
