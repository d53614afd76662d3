import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { CachedMethod, CallPlan, CallPlanner } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { isPromiseLike } from '../shared/option-function.js';
import { DeclaredMethods } from '../application/declared-methods.js';
import { CacheRegistry } from '../application/cache-registry.js';
import { callStepsOf } from './call-steps.js';
import { DeclarationChecks } from './declaration-checks.js';
import { DeclarationWarnings } from './declaration-warnings.js';
import { warnOfIdleEvictions } from './idle-evictions.js';
import { warnOfIdleRegionOptions } from './idle-region-options.js';
import { KeyMeetings } from './key-meetings.js';
import { adviseOnRegions } from './region-advice.js';
import { notifyRegions } from './region-notices.js';
import { planOfSteps } from './operation-runner.js';

/** Makes the plan of each decorated method of one application: once per class and method. */
@Injectable()
export class ApplicationPlanner implements CallPlanner, OnModuleInit {
  private readonly checks: DeclarationChecks;
  private readonly meetings: KeyMeetings;
  private readonly warnings: DeclarationWarnings;
  private readonly warn: (message: string) => void;
  private readonly logger = new Logger('RedisCacheModule');
  private hasLooked = false;
  private readonly plans = new WeakMap<object, Map<CachedMethod, CallPlan>>();

  constructor(
    private readonly caches: CacheRegistry,
    private readonly declared: DeclaredMethods,
  ) {
    this.warn = (message) => this.logger.warn(message);
    this.checks = new DeclarationChecks(caches, declared);
    this.meetings = new KeyMeetings(caches, this.warn);
    this.warnings = new DeclarationWarnings(caches, this.warn);
  }

  /** @throws CacheError as planAll */
  onModuleInit(): void {
    this.planAll();
  }

  /**
   * Plans every decorated method at boot, so that a wrong declaration stops the boot and not a request. Caches ask for
   * it before they connect, whatever the order in which modules are initialised.
   *
   * @returns how many methods there are
   * @throws CacheError RC_KEY_COLLISION, RC_KEY_REQUIRED, RC_CLASS_NAME, RC_REGION_CONFLICT, RC_MODULE_MISSING,
   * RC_INVALID_OPTION,
   *   RC_DECORATOR_TARGET
   */
  planAll(): number {
    this.declared.bind();
    const declared = this.declared.find();
    for (const { method, runtimeClass } of declared) this.planOf(method, runtimeClass);
    if (!this.hasLooked) {
      warnOfIdleEvictions(declared, this.caches, this.warn);
      warnOfIdleRegionOptions(declared, this.caches, this.warn);
      adviseOnRegions(declared, this.caches, this.logger);
    }
    this.hasLooked = true;
    return declared.length;
  }

  planOf(method: CachedMethod, runtimeClass: AnyFunction): CallPlan {
    let plans = this.plans.get(runtimeClass);
    if (!plans) this.plans.set(runtimeClass, (plans = new Map()));
    let plan = plans.get(method);
    if (!plan) {
      this.checks.check(method, runtimeClass);
      this.meetings.check(method, runtimeClass);
      this.warnings.checkMethod(method);
      notifyRegions(method, runtimeClass, this.caches);
      plan = planOfSteps(callStepsOf(method, runtimeClass, this.caches), watched(method, this.warn));
      this.warnings.checkClass(runtimeClass);
      plans.set(method, plan);
    }
    return plan;
  }
}

/**
 * The method; the first time that it returns no promise is reported, since types that TypeScript does not emit cannot
 * be checked at boot.
 */
function watched({ original, where }: CachedMethod, warn: (message: string) => void): AnyFunction {
  let isReported = false;
  return function (this: unknown, ...args: unknown[]): unknown {
    const result: unknown = original.apply(this, args);
    if (!isReported && !isPromiseLike(result)) {
      isReported = true;
      warn(
        `${where} is cached and returned no promise: its callers get a promise of what it returned, since a cache answers later. Make it async. [RC_DECORATOR_TARGET]`,
      );
    }
    return result;
  };
}
