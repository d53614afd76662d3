import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import type { CachedMethod } from '../operations/cached-method.js';
import { bindHost, HOST, type Hosted } from '../operations/host-binding.js';
import type { AnyFunction } from '../operations/method-types.js';
import { methodsOf } from '../operations/operation-metadata.js';
import { CacheError } from '../shared/errors.js';

type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** A decorated method of a class that the application provides. */
export interface DeclaredMethod {
  readonly method: CachedMethod;
  readonly runtimeClass: AnyFunction;
}

/** The decorated methods of one application, and the way by which their instances find its caches. */
@Injectable()
export class DeclaredMethods implements OnModuleInit {
  private isBound = false;
  private readonly madePerRequest = new WeakSet<object>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
  ) {}

  onModuleInit(): void {
    this.bind();
  }

  /**
   * Reads classes, and calls nothing: it may be asked in a constructor. What a factory makes is among them once it is
   * made, from `onModuleInit` on.
   *
   * @returns inherited methods once per class
   * @throws CacheError RC_MODULE_MISSING for a class that another copy of this library has decorated
   */
  find(): readonly DeclaredMethod[] {
    const all = [...this.prototypes()];
    for (const prototype of all) refuseOtherCopy(prototype);
    const prototypes = all.filter((prototype) => HOST in prototype);
    return prototypes.flatMap((prototype) =>
      methodsOf(prototype).map((method) => ({ method, runtimeClass: prototype.constructor as AnyFunction })),
    );
  }

  /** Of the classes that the application provides, decorated or not; otherwise as `find`. */
  prototypes(): ReadonlySet<object> {
    return new Set(this.wrappers().flatMap(prototypesOf));
  }

  /**
   * Gives their host to instances that Nest injects nothing into (factories, values). Does its work at the first call:
   * caches ask before they connect, whatever the order in which modules are initialised.
   */
  bind(): void {
    if (this.isBound) return;
    this.isBound = true;
    for (const wrapper of this.wrappers()) {
      const isFactory = isMadeByFactory(wrapper);
      const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      if (isFactory && !isStatic && !wrapper.isAlias) this.bindWhatIsMade(wrapper);
      // an instance of a REQUEST-scoped or transient class is a blank
      const instances = isStatic ? instancesIn(wrapper.instance) : isFactory ? instancesOfInquirers(wrapper) : [];
      for (const instance of instances) this.bindOne(instance, wrapper);
    }
  }

  /**
   * Why results of this class can depend on the instance, so that its arguments alone make no key; null where there is
   * one instance, or several that were given the same.
   */
  whyInstancesDiffer(runtimeClass: AnyFunction): string | null {
    const prototype = runtimeClass.prototype as object;
    if (this.madePerRequest.has(prototype)) return 'a factory makes it anew for each request';
    const own = this.wrappers().filter((wrapper) => !wrapper.isAlias && prototypesOf(wrapper).includes(prototype));
    for (const wrapper of own) {
      if (wrapper.isTransient) return 'it is TRANSIENT: each class that injects it has an instance of its own';
      if (!wrapper.isDependencyTreeStatic()) return 'it is REQUEST-scoped, or injects what is';
    }
    const made = own.filter((wrapper) => wrapper.inject != null || wrapper.isNotMetatype);
    const instances = new Set(
      own.flatMap((wrapper) => instancesIn(wrapper.instance)).filter((one) => prototypeOf(one) === prototype),
    );
    if (made.length > 0 && instances.size > 1) return `${instances.size} instances of it were made by factories`;
    const [first, ...others] = own;
    return others.some((other) => !haveSameParts(first!, other))
      ? 'several modules provide it, and inject different things'
      : null;
  }

  private wrappers(): ProviderWrapper[] {
    return [...this.discovery.getProviders(), ...this.discovery.getControllers()];
  }

  /**
   * From now on: what the factory of a REQUEST-scoped or transient provider makes gets its host before anybody has it.
   */
  private bindWhatIsMade(wrapper: ProviderWrapper): void {
    wrapper.metatype = new Proxy(wrapper.metatype as AnyFunction, {
      // Nest awaits factories in any case
      apply: async (factory, self, args) => {
        const made: unknown = await Reflect.apply(factory, self, args);
        for (const instance of instancesIn(made)) {
          this.madePerRequest.add(prototypeOf(instance) ?? instance);
          this.bindOne(instance, wrapper);
        }
        return made;
      },
    });
  }

  private bindOne(instance: object, { metatype, inject }: ProviderWrapper): void {
    const prototype = prototypeOf(instance);
    if (prototype === null || !(HOST in prototype)) return;
    const isInjected = inject == null && prototypeOfClass(metatype) === prototype;
    if (!(isInjected && (instance as Hosted)[HOST])) bindHost(instance, this.moduleRef);
  }
}

/** Its methods would find this copy's cache at each call, and none of the checks at boot. */
function refuseOtherCopy(prototype: object): void {
  const isOfOtherCopy = (symbol: symbol) => symbol !== HOST && symbol.description === HOST.description;
  if (!Object.getOwnPropertySymbols(prototype).some(isOfOtherCopy)) return;
  const { name } = prototype.constructor;
  throw new CacheError(
    'RC_MODULE_MISSING',
    `${name} is decorated by another copy of nestjs-redis-cache than the one RedisCacheModule comes from: two versions are installed, or one twice. ` +
      `See them with \`npm ls nestjs-redis-cache\` (\`pnpm why\`), and keep one; a library that has decorated classes names it as a peer dependency.`,
  );
}

/** What Nest injects into the constructors is the same. */
function haveSameParts(one: ProviderWrapper, other: ProviderWrapper): boolean {
  const [parts, others] = [one, other].map((wrapper) => wrapper.getCtorMetadata() ?? []);
  return (
    parts!.length === others!.length &&
    parts!.every(
      (part, i) => part === others![i] || part?.token === ModuleRef || part?.instance === others![i]?.instance,
    )
  );
}

function isMadeByFactory({ metatype, inject }: ProviderWrapper): boolean {
  return typeof metatype === 'function' && inject != null;
}

/**
 * Of what the provider has by now, else of its class. Whether it is REQUEST-scoped is not asked: before all providers
 * are made, Nest would remember a wrong answer.
 */
function prototypesOf(wrapper: ProviderWrapper): object[] {
  const isFactory = isMadeByFactory(wrapper);
  const instances = [...instancesIn(wrapper.instance), ...(isFactory ? instancesOfInquirers(wrapper) : [])];
  if (instances.length > 0) return instances.map(prototypeOf).filter((prototype) => prototype !== null);
  const prototype = isFactory ? null : prototypeOfClass(wrapper.metatype);
  return prototype === null ? [] : [prototype];
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
