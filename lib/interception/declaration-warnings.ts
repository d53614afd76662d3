import { hasPlaceholder } from '../keys/key-template.js';
import { parametersOf } from '../keys/parameter-names.js';
import type { CacheableOperation, PutOperation } from '../operations/cache-operation.js';
import type { CachedMethod } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { originalOf } from '../operations/method-wrapper.js';
import { isRequestScoped, methodsOf } from '../operations/operation-metadata.js';
import { warnOfSeconds } from '../options/resolve-options.js';
import type { CacheRegistry } from '../application/cache-registry.js';
import { type RuntimeClass, targetOf } from '../application/operation-target.js';

/** An operation that writes entries under a key of its own. */
interface Writing {
  readonly operation: CacheableOperation | PutOperation;
  readonly method: CachedMethod;
}

/** Who makes keys in a region. */
interface KeyMaker {
  readonly runtimeClass: RuntimeClass;
  readonly where: string;
}

/**
 * What one class declares and probably does not mean: a key that is the same for all arguments, a default key where instances differ, entries without the
 * tags that others of the same keys have, two methods whose keys may meet. Allowed, so only a line in the log, once per class or method.
 */
export class DeclarationWarnings {
  private readonly known = new WeakSet<AnyFunction>();
  /** The first to make keys of its own in a region. */
  private readonly keyMakers = new Map<string, KeyMaker>();

  constructor(
    private readonly caches: CacheRegistry,
    private readonly warn: (message: string) => void,
  ) {}

  /** Looks at one method, beside those that were looked at before. */
  checkMethod(method: CachedMethod, runtimeClass: AnyFunction): void {
    for (const operation of method.operations) {
      if (operation.kind === 'evict') continue;
      warnOfSeconds(`${method.where}: `, operation.options, this.warn);
      if (operation.kind !== 'cacheable' || operation.key === null) continue;
      const { cache, region } = targetOf(operation.options, method, runtimeClass, this.caches);
      this.noteExplicitKey(`${cache.name}:${region.name}`, region.name, method, runtimeClass);
    }
  }

  /** Looks at the whole class at its first call. */
  checkClass(runtimeClass: AnyFunction): void {
    if (this.known.has(runtimeClass)) return;
    this.known.add(runtimeClass);
    const methods = methodsOf(runtimeClass.prototype as object);
    for (const method of methods) {
      for (const operation of method.operations) {
        if (operation.kind !== 'cacheable') continue;
        this.warnOfConstantKey(operation, method);
        if (operation.key === null && isRequestScoped(runtimeClass)) this.warnOfInstances(method, runtimeClass);
      }
    }
    for (const writings of this.writingsByRegion(methods, runtimeClass)) this.warnOfMissingTags(writings);
  }

  /** Two methods whose keys are of their own making, in one region, may mean one value, or two by mistake. */
  private noteExplicitKey(place: string, region: string, method: CachedMethod, runtimeClass: RuntimeClass): void {
    const owner = { runtimeClass, where: whereOf(method, runtimeClass) };
    const other = this.keyMakers.get(place);
    if (other === undefined) this.keyMakers.set(place, owner);
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

  private warnOfConstantKey({ options: { key } }: CacheableOperation, { where, original }: CachedMethod): void {
    if (typeof key !== 'string' || hasPlaceholder(key)) return;
    const names = parametersOf(originalOf(original))?.names ?? [];
    if (names.length === 0) return;
    this.warn(
      `The key template '${key}' of ${where} has no placeholder: calls with different arguments get one value. ` +
        `Name what identifies the value, such as {${names[0] ?? 0}}; if one value is meant, say so by a key function: () => '${key}'.`,
    );
  }

  private warnOfInstances({ where }: CachedMethod, { name }: AnyFunction): void {
    this.warn(
      `${where} has no key, and ${name} is REQUEST-scoped: default keys are made of the arguments alone, so that one request gets what the instance of another returned. ` +
        `Give it a key that names what the result depends on, such as the user or the tenant.`,
    );
  }

  private writingsByRegion(methods: readonly CachedMethod[], runtimeClass: AnyFunction): Iterable<Writing[]> {
    const byRegion = new Map<object, Writing[]>();
    for (const method of methods) {
      for (const operation of method.operations) {
        if (operation.kind === 'evict' || operation.key === null) continue;
        const region = this.regionOf(operation, method, runtimeClass);
        if (region === null) continue;
        const writings = byRegion.get(region);
        if (writings) writings.push({ operation, method });
        else byRegion.set(region, [{ operation, method }]);
      }
    }
    return byRegion.values();
  }

  /** Null where it cannot be found: that is told when the method itself is planned, and fails no other. */
  private regionOf({ options }: Writing['operation'], method: CachedMethod, runtimeClass: AnyFunction): object | null {
    try {
      return targetOf(options, method, runtimeClass, this.caches).region;
    } catch {
      return null;
    }
  }

  /** Only where two surely write the same entries: by one key, or the one puts what the only other one reads. */
  private warnOfMissingTags(writings: readonly Writing[]): void {
    const readers = new Set(
      writings.filter(({ operation }) => operation.kind === 'cacheable').map(({ method }) => method.name),
    );
    for (const tagged of writings.filter(hasTags)) {
      for (const other of writings.filter((writing) => !hasTags(writing))) {
        const isPutOfRead = readers.size === 1 && tagged.operation.kind !== other.operation.kind;
        if (!isPutOfRead && String(tagged.operation.options.key) !== String(other.operation.options.key)) continue;
        this.warn(
          `${tagged.method.where} gives its entries tags, and ${other.method.where} writes the same ones without: an eviction by tag does not reach what ${other.method.where} wrote. ` +
            `Give both the same tags.`,
        );
      }
    }
  }
}

function hasTags({ operation }: Writing): boolean {
  return operation.options.tags !== undefined;
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
