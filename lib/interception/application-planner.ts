import { Injectable, Logger } from '@nestjs/common';
import type { CachedMethod, CallPlan, CallPlanner } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { CacheRegistry } from './cache-registry.js';
import { callStepsOf } from './call-steps.js';
import { DeclarationChecks } from './declaration-checks.js';
import { planOfSteps } from './operation-runner.js';

/** Makes the plan of each decorated method of one application: once per class and method. */
@Injectable()
export class ApplicationPlanner implements CallPlanner {
  private readonly checks: DeclarationChecks;
  private readonly plans = new WeakMap<object, Map<CachedMethod, CallPlan>>();

  constructor(private readonly caches: CacheRegistry) {
    const logger = new Logger('RedisCacheModule');
    this.checks = new DeclarationChecks(caches, (message) => logger.warn(message));
  }

  planOf(method: CachedMethod, runtimeClass: AnyFunction): CallPlan {
    let plans = this.plans.get(runtimeClass);
    if (!plans) this.plans.set(runtimeClass, (plans = new Map()));
    let plan = plans.get(method);
    if (!plan) {
      this.checks.check(method, runtimeClass);
      plan = planOfSteps(callStepsOf(method, runtimeClass, this.caches), method.original);
      plans.set(method, plan);
    }
    return plan;
  }
}
