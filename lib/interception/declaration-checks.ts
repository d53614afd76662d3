import { defaultKeyPrefix } from '../keys/default-key.js';
import type { CacheConfigOptions } from '../operations/operation-options.js';
import type { CachedMethod } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { statedConfigOf } from '../operations/operation-metadata.js';
import { isSameStatement } from '../options/option-table.js';
import type { RegionOptions } from '../options/policy-options.js';
import { POLICY_AT } from '../options/policy-table.js';
import { CacheError, describeValue } from '../shared/errors.js';
import type { CacheRegistry } from '../application/cache-registry.js';
import type { DeclaredMethods } from '../application/declared-methods.js';
import { identityOf } from './call-steps.js';
import { KeyChecks } from './key-checks.js';
import { type OperationTarget, type RuntimeClass, targetOf } from '../application/operation-target.js';

/** Who owns a name; two classes may bear the same one. */
interface Owner {
  readonly runtimeClass: RuntimeClass;
  readonly prototype: object | null;
  readonly where: string;
}

/** What a region and a class may both state. The methods of one region return different types. */
const { type: _, ...SHARED } = POLICY_AT.class;
const SHARED_NAMES = Object.keys(SHARED) as (keyof typeof SHARED)[];

/**
 * What the declarations of one application must not do to each other: two methods with one default key, two classes of
 * one name with one region, a region declared twice with different options. Each class and method is checked once, at
 * boot or, where its module is lazy, at its first call.
 */
export class DeclarationChecks {
  private readonly classRegions = new Map<string, Owner>();
  private readonly defaultKeys = new Map<string, Owner>();
  private readonly configs = new Map<string, { statedBy: object; where: string; options: Partial<RegionOptions> }[]>();

  private readonly keys: KeyChecks;

  constructor(
    private readonly caches: CacheRegistry,
    declared: DeclaredMethods,
  ) {
    this.keys = new KeyChecks(declared);
  }

  /** @throws CacheError RC_KEY_COLLISION, RC_KEY_REQUIRED, RC_CLASS_NAME, RC_REGION_CONFLICT, RC_DECORATOR_TARGET */
  check(method: CachedMethod, runtimeClass: AnyFunction): void {
    for (const operation of method.operations) {
      const target = targetOf(operation.options, method, runtimeClass, this.caches);
      this.keys.check(operation, method, runtimeClass, target);
      const { region, isClassRegion } = target;
      const place = `${target.cache.name}:${region.name}`;
      const owner = { runtimeClass, prototype: null, where: method.where };
      if (isClassRegion) this.claimClassRegion(place, region.name, owner);
      else this.checkConfig(place, region.name, target, runtimeClass);
      if (operation.kind === 'cacheable' && operation.key === null) this.claimDefaultKey(place, method, runtimeClass);
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

  private checkConfig(place: string, region: string, target: OperationTarget, runtimeClass: RuntimeClass): void {
    const stated = statedConfigOf(runtimeClass);
    if (stated === null || stated.options.region !== region) return;
    const known = this.configs.get(place) ?? [
      {
        statedBy: target.region,
        where: `regions.${region} of RedisCacheModule`,
        options: target.region.options.stated,
      },
    ];
    if (known.some(({ statedBy }) => statedBy === stated.statedBy)) return;
    const where = `@CacheConfig on ${(stated.statedBy as RuntimeClass).name}`;
    for (const other of known) {
      const option = SHARED_NAMES.find((name) => differs(name, stated.options, other.options));
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

function differs(name: keyof typeof SHARED, a: CacheConfigOptions, b: Partial<RegionOptions>): boolean {
  return a[name] !== undefined && b[name] !== undefined && !isSameStatement(SHARED[name], a[name], b[name]);
}
