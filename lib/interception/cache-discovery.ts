import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { bindHost, HOST, type Hosted } from '../operations/host-binding.js';
import type { AnyFunction } from '../operations/method-types.js';
import { methodsOf } from '../operations/operation-metadata.js';
import { ApplicationPlanner } from './application-planner.js';

/**
 * Runs once per application, before it serves: gives their host to instances that Nest injects nothing into (factories, values), and
 * plans every decorated method, so that a wrong declaration stops the boot and not a request.
 */
@Injectable()
export class CacheDiscovery implements OnModuleInit {
  private methodCount: number | null = null;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    private readonly planner: ApplicationPlanner,
  ) {}

  /** @throws CacheError RC_KEY_COLLISION, RC_REGION_CONFLICT, RC_MODULE_MISSING, RC_INVALID_OPTION */
  onModuleInit(): void {
    this.run();
  }

  /**
   * Does its work at the first call: caches ask before they connect, whatever the order in which modules are initialised.
   *
   * @returns the number of decorated methods, inherited ones once per class
   */
  run(): number {
    this.methodCount ??= this.prepareAll();
    return this.methodCount;
  }

  private prepareAll(): number {
    let methodCount = 0;
    const seen = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      // an instance of a REQUEST-scoped or transient class is a blank: its class is what counts
      const instance =
        wrapper.isDependencyTreeStatic() && !wrapper.isTransient ? (wrapper.instance as unknown) : undefined;
      const prototype = prototypeOf(instance) ?? prototypeOfClass(wrapper.metatype);
      if (prototype === null || !(HOST in prototype)) continue;
      const isInjected =
        typeof wrapper.metatype === 'function' &&
        wrapper.inject == null &&
        prototypeOfClass(wrapper.metatype) === prototype;
      if (typeof instance === 'object' && instance !== null && !(isInjected && (instance as Hosted)[HOST])) {
        bindHost(instance, this.moduleRef);
      }
      if (seen.has(prototype)) continue;
      seen.add(prototype);
      for (const method of methodsOf(prototype)) {
        this.planner.planOf(method, prototype.constructor as AnyFunction);
        methodCount += 1;
      }
    }
    return methodCount;
  }
}

function prototypeOf(instance: unknown): object | null {
  return typeof instance === 'object' && instance !== null ? (Object.getPrototypeOf(instance) as object | null) : null;
}

function prototypeOfClass(metatype: unknown): object | null {
  return typeof metatype === 'function' ? ((metatype.prototype as object | undefined) ?? null) : null;
}
