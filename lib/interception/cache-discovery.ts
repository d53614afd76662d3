import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { bindHost, HOST, type Hosted } from '../operations/host-binding.js';
import type { AnyFunction } from '../operations/method-types.js';
import { methodsOf } from '../operations/operation-metadata.js';
import { ApplicationPlanner } from './application-planner.js';

type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * Runs once per application, before it serves: gives their host to instances that Nest injects nothing into (factories, values), and
 * plans every decorated method, so that a wrong declaration stops the boot and not a request.
 */
@Injectable()
export class CacheDiscovery implements OnModuleInit {
  private methodCount: number | null = null;
  private readonly planned = new Set<object>();

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
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const isFactory = typeof wrapper.metatype === 'function' && wrapper.inject != null;
      const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      if (isFactory && !isStatic && !wrapper.isAlias) this.bindWhatIsMade(wrapper);
      // an instance of a REQUEST-scoped or transient class is a blank: its class is what counts
      const instances = isStatic ? instancesIn(wrapper.instance) : isFactory ? instancesOfInquirers(wrapper) : [];
      for (const instance of instances) {
        this.bind(instance, wrapper);
        methodCount += this.plan(prototypeOf(instance));
      }
      if (!isFactory && instances.length === 0) methodCount += this.plan(prototypeOfClass(wrapper.metatype));
    }
    return methodCount;
  }

  /** From now on: what the factory of a REQUEST-scoped or transient provider makes gets its host before anybody has it. */
  private bindWhatIsMade(wrapper: ProviderWrapper): void {
    wrapper.metatype = new Proxy(wrapper.metatype as AnyFunction, {
      // Nest awaits factories in any case
      apply: async (factory, self, args) => {
        const made: unknown = await Reflect.apply(factory, self, args);
        for (const instance of instancesIn(made)) this.bind(instance, wrapper);
        return made;
      },
    });
  }

  private bind(instance: object, { metatype, inject }: ProviderWrapper): void {
    const prototype = prototypeOf(instance);
    if (prototype === null || !(HOST in prototype)) return;
    const isInjected = inject == null && prototypeOfClass(metatype) === prototype;
    if (!(isInjected && (instance as Hosted)[HOST])) bindHost(instance, this.moduleRef);
  }

  /** @returns the number of methods planned now */
  private plan(prototype: object | null): number {
    if (prototype === null || !(HOST in prototype) || this.planned.has(prototype)) return 0;
    this.planned.add(prototype);
    const methods = methodsOf(prototype);
    for (const method of methods) this.planner.planOf(method, prototype.constructor as AnyFunction);
    return methods.length;
  }
}

/** A provider's value is one instance, or a list of them. */
function instancesIn(value: unknown): object[] {
  return (Array.isArray(value) ? (value as unknown[]) : [value]).filter(
    (one): one is object => typeof one === 'object' && one !== null,
  );
}

/** What a transient factory made for the singletons that asked for it before. */
function instancesOfInquirers(wrapper: ProviderWrapper): object[] {
  return wrapper.getStaticTransientInstances().flatMap((host) => instancesIn(host?.instance));
}

function prototypeOf(instance: object): object | null {
  return Object.getPrototypeOf(instance) as object | null;
}

function prototypeOfClass(metatype: unknown): object | null {
  return typeof metatype === 'function' ? ((metatype.prototype as object | undefined) ?? null) : null;
}
