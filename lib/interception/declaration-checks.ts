import { defaultKeyPrefix } from '../keys/default-key.js';
import type { CacheConfigOptions } from '../operations/cache-config.decorator.js';
import type { CachedMethod } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { methodsOf, statedConfigOf } from '../operations/operation-metadata.js';
import { toMilliseconds } from '../options/duration.js';
import type { RegionOptions } from '../options/redis-cache-options.js';
import { statedOptionsOf, warnOfSeconds } from '../options/resolve-options.js';
import { CacheError, describeValue } from '../shared/errors.js';
import type { CacheRegistry } from './cache-registry.js';
import { identityOf } from './call-steps.js';
import { type OperationTarget, targetOf } from './operation-target.js';

interface RuntimeClass {
  readonly name: string;
}

/** Who owns a name; two classes may bear the same one. */
interface Owner {
  readonly runtimeClass: RuntimeClass;
  readonly prototype: object | null;
  readonly where: string;
}

const SHARED_OPTIONS = ['ttl', 'jitter', 'negativeTtl', 'staleWhileRevalidate', 'staleIfError', 'mutable'] as const;

/**
 * What the declarations of one application must not do to each other: two methods with one default key, two classes of one name with one
 * region, a region declared twice with different options. Each class and method is checked once, at boot or, where its module is lazy, at its first call.
 */
export class DeclarationChecks {
  private readonly classRegions = new Map<string, Owner>();
  private readonly defaultKeys = new Map<string, Owner>();
  private readonly explicitKeys = new Map<string, Owner>();
  private readonly configs = new Map<string, { statedBy: object; where: string; options: Partial<RegionOptions> }[]>();

  constructor(
    private readonly caches: CacheRegistry,
    private readonly warn: (message: string) => void,
  ) {}

  /** @throws CacheError RC_KEY_COLLISION, RC_REGION_CONFLICT */
  check(method: CachedMethod, runtimeClass: AnyFunction): void {
    for (const operation of method.operations) {
      const target = targetOf(operation.options, method, runtimeClass, this.caches);
      const { region, isClassRegion } = target;
      const place = `${target.cache.name}:${region.name}`;
      const owner = { runtimeClass, prototype: null, where: method.where };
      if (isClassRegion) this.claimClassRegion(place, region.name, owner);
      else this.checkConfig(place, region.name, target, runtimeClass);
      if (operation.kind === 'evict') continue;
      warnOfSeconds(`${method.where}: `, operation.options, this.warn);
      if (operation.kind !== 'cacheable') continue;
      if (operation.key === null) this.claimDefaultKey(place, method, runtimeClass);
      else {
        this.noteExplicitKey(place, region.name, method, runtimeClass);
        if (this.callsItsOwnKey(target, method, runtimeClass)) target.cache.trackOwners();
      }
    }
  }

  private claimClassRegion(place: string, region: string, owner: Owner): void {
    const other = this.classRegions.get(place);
    if (other === undefined) this.classRegions.set(place, owner);
    else if (other.runtimeClass !== owner.runtimeClass) {
      throw new CacheError(
        'RC_KEY_COLLISION',
        `Two classes named "${owner.runtimeClass.name}" cache into region "${region}", which is named after them: ${owner.where} could read what ${other.where} of the other class wrote. ` +
          `Give one of them @CacheConfig({ region: '…' }).`,
      );
    }
  }

  private claimDefaultKey(place: string, method: CachedMethod, runtimeClass: RuntimeClass): void {
    const prefix = defaultKeyPrefix(identityOf(method, runtimeClass));
    const owner = { runtimeClass, prototype: method.prototype, where: method.where };
    const other = this.defaultKeys.get(`${place}:${prefix}`);
    if (other === undefined) this.defaultKeys.set(`${place}:${prefix}`, owner);
    else if (other.runtimeClass !== runtimeClass || other.prototype !== method.prototype) {
      throw new CacheError(
        'RC_KEY_COLLISION',
        `Two methods have the default key "${prefix}:…": ${method.where} would read what ${other.where} of another class of the same name wrote. ` +
          `Give the classes different names or regions, or one of the methods a key.`,
      );
    }
  }

  /** Two methods whose keys are of their own making, in one region, may mean one value, or two by mistake. */
  private noteExplicitKey(place: string, region: string, method: CachedMethod, runtimeClass: RuntimeClass): void {
    const owner = { runtimeClass, prototype: method.prototype, where: whereOf(method, runtimeClass) };
    const other = this.explicitKeys.get(place);
    if (other === undefined) this.explicitKeys.set(place, owner);
    else if (isHeirOf(other.runtimeClass, runtimeClass) && nameOf(other.where) === nameOf(owner.where)) {
      this.warn(
        `${other.where} and ${owner.where} make the same keys in region "${region}", which one class inherits from the other: each returns what the other cached. ` +
          `If what they return differs, give the class that extends a region of its own: @CacheConfig({ region: '…' }).`,
      );
    } else if (other.where !== owner.where) {
      this.warn(
        `${other.where} and ${owner.where} both make keys of their own in region "${region}": where these are equal, one method returns the other's value. ` +
          `If that is not meant, give one of them a region, or a segment of its own in the key, such as ['by-email', email].`,
      );
    }
  }

  /** An override and the cached method it may call by `super`, or the other way round, with one key: that load reads the key which it loads. */
  private callsItsOwnKey({ region }: OperationTarget, method: CachedMethod, runtimeClass: AnyFunction): boolean {
    return methodsOf(runtimeClass.prototype as object).some(
      (other) =>
        other !== method &&
        other.name === method.name &&
        other.operations.some(
          (operation) =>
            operation.kind === 'cacheable' &&
            operation.key !== null &&
            targetOf(operation.options, other, runtimeClass, this.caches).region === region,
        ),
    );
  }

  private checkConfig(place: string, region: string, target: OperationTarget, runtimeClass: RuntimeClass): void {
    const stated = statedConfigOf(runtimeClass);
    if (stated === null || stated.options.region !== region) return;
    const known = this.configs.get(place) ?? [
      {
        statedBy: target.region,
        where: `regions.${region} of RedisCacheModule`,
        options: statedOptionsOf(target.region.options),
      },
    ];
    if (known.some(({ statedBy }) => statedBy === stated.statedBy)) return;
    const where = `@CacheConfig on ${(stated.statedBy as RuntimeClass).name}`;
    for (const other of known) {
      const option = SHARED_OPTIONS.find((name) => differs(name, stated.options, other.options));
      if (option === undefined) continue;
      throw new CacheError(
        'RC_REGION_CONFLICT',
        `Region "${region}" is declared twice with a different ${option}: ${where} says ${describeValue(stated.options[option])}, ${other.where} says ${describeValue(other.options[option])}. ` +
          `State it in one place, best in regions of RedisCacheModule.`,
      );
    }
    this.configs.set(place, [...known, { statedBy: stated.statedBy, where, options: stated.options }]);
  }
}

function whereOf(method: CachedMethod, runtimeClass: RuntimeClass): string {
  return `${runtimeClass.name}${nameOf(method.where)}`;
}

/** `.find` of `Users.find`. */
function nameOf(where: string): string {
  return where.slice(where.indexOf('.'));
}

/** One of two classes extends the other. Each is one that the application provides. */
function isHeirOf(one: RuntimeClass, other: RuntimeClass): boolean {
  return isParent(one, other) || isParent(other, one);
}

function isParent(parent: object, child: object): boolean {
  return Object.prototype.isPrototypeOf.call(parent, child);
}

function differs(name: (typeof SHARED_OPTIONS)[number], a: CacheConfigOptions, b: Partial<RegionOptions>): boolean {
  if (a[name] === undefined || b[name] === undefined) return false;
  if (name === 'jitter' || name === 'mutable') return a[name] !== b[name];
  return toMilliseconds(name, a[name]) !== toMilliseconds(name, b[name]);
}
