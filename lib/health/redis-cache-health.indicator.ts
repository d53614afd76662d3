import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { CacheRegistry } from '../application/cache-registry.js';
import { engineOf } from '../cache/redis-cache.js';
import { type DurationOption, toMilliseconds } from '../options/duration.js';
import { DEFAULT_CACHE } from '../shared/tokens.js';
import { type CacheHealth, healthOf } from './cache-health.js';

/** Below the second that probes of Kubernetes wait by default. */
const TIMEOUT_MS = 300;
const STARTUP_WITHIN = '20s';

/** @publicApi */
export interface RedisCacheCheckOptions {
  /** Name of the cache. @default 'default' */
  cache?: string;
  /** True: a cache without Redis is `down`. For services whose database does not bear the load. @default false */
  required?: boolean;
  /** Longest wait for Redis's answers. @default '300ms' */
  timeout?: DurationOption;
}

/** @publicApi */
export interface RedisCacheStartupOptions {
  /** Name of the cache. @default 'default' */
  cache?: string;
  /**
   * How long after the application's start it waits for Redis at most; then the service starts without.
   *
   * @default '20s'
   */
  within?: DurationOption;
}

/**
 * The health of a cache, for Terminus. A cache whose Redis is away slows a service and does not stop it: the check is
 * `up` with `degraded: true`, so that pods stay ready.
 *
 * @publicApi
 */
@Injectable()
export class RedisCacheHealthIndicator {
  private readonly startedMs = performance.now();

  /** @internal Made by RedisCacheHealthModule. */
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly caches: CacheRegistry,
  ) {}

  /**
   * For readiness, and for people. Answers within `timeout`, whatever Redis does.
   *
   * @throws CacheError RC_MODULE_MISSING when there is no cache of this name; RC_INVALID_OPTION
   */
  async check<const Key extends string>(
    key: Key,
    options: RedisCacheCheckOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const { cache, required = false, timeout = TIMEOUT_MS } = options;
    const health = await this.healthOf(cache, toMilliseconds('timeout', timeout));
    const indicator = this.indicators.check(key);
    return health.degraded && required ? indicator.down({ ...health }) : indicator.up({ ...health });
  }

  /**
   * For a startup probe: `down` until Redis has taken part once, so that a pod gets no requests before it has a cache;
   * and `up` in any case after `within`.
   *
   * @throws CacheError RC_MODULE_MISSING when there is no cache of this name; RC_INVALID_OPTION
   */
  async checkStartup<const Key extends string>(
    key: Key,
    { cache = DEFAULT_CACHE, within = STARTUP_WITHIN }: RedisCacheStartupOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const withinMs = toMilliseconds('within', within);
    const engine = engineOf(this.caches.find(cache, 'RedisCacheHealthIndicator.checkStartup'));
    const indicator = this.indicators.check(key);
    if (engine.lastProvenAgeMs !== null) return indicator.up({ degraded: false });
    const reason = 'Redis has not taken part yet since the start';
    if (performance.now() - this.startedMs < withinMs) return indicator.down({ reason });
    return indicator.up({ degraded: true, reason });
  }

  private async healthOf(name: string = DEFAULT_CACHE, timeoutMs: number): Promise<CacheHealth> {
    const engine = engineOf(this.caches.find(name, 'RedisCacheHealthIndicator.check'));
    const reports = await inTime(timeoutMs, engine.inspect());
    return healthOf({
      status: engine.status(),
      lastProvenAgeMs: engine.lastProvenAgeMs,
      store: engine.store,
      reports,
      waitedMs: timeoutMs,
    });
  }
}

/** Null: it took longer, or it failed. */
async function inTime<T>(ms: number, work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([work, late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
