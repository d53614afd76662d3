import { hasPlaceholder } from '../keys/key-template.js';
import { parametersOf } from '../keys/parameter-names.js';
import type { CacheableOperation, PutOperation } from '../operations/cache-operation.js';
import type { CachedMethod } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { originalOf } from '../operations/method-wrapper.js';
import { methodsOf } from '../operations/operation-metadata.js';
import { warnOfSeconds } from '../options/option-table.js';
import { POLICY_AT } from '../options/policy-table.js';
import type { CacheRegistry } from '../application/cache-registry.js';
import { targetOf } from '../application/operation-target.js';

/** An operation that writes entries under a key of its own. */
interface Writing {
  readonly operation: CacheableOperation | PutOperation;
  readonly method: CachedMethod;
}

/**
 * What one class declares and probably does not mean: a key that is the same for all arguments, entries without the
 * tags that others of the same keys have. Allowed, so only a line in the log, once per class or method.
 */
export class DeclarationWarnings {
  private readonly known = new WeakSet<AnyFunction>();

  constructor(
    private readonly caches: CacheRegistry,
    private readonly warn: (message: string) => void,
  ) {}

  checkMethod(method: CachedMethod): void {
    for (const operation of method.operations) {
      if (operation.kind === 'evict') continue;
      warnOfSeconds(POLICY_AT.method, `${method.where}: `, operation.options, this.warn);
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
      }
    }
    for (const writings of this.writingsByRegion(methods, runtimeClass)) this.warnOfMissingTags(writings);
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
