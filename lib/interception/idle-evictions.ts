import type { CacheRegistry } from '../application/cache-registry.js';
import type { DeclaredMethod } from '../application/declared-methods.js';
import { type OperationTarget, targetOf } from '../application/operation-target.js';
import { type KeyShape, keyShapeOf, mayMeet } from '../keys/key-shape.js';
import type { CacheableOperation, EvictOperation, PutOperation } from '../operations/cache-operation.js';
import { nearestName } from '../shared/nearest-name.js';

/** An operation of some method, and where it acts. */
interface Acting<Operation> {
  readonly operation: Operation;
  readonly target: OperationTarget;
  readonly where: string;
}

/**
 * Finds evictions that reach nothing which the application's decorators cache: another region than any that is read, a
 * key of another form, or a key where only default keys are. They may reach what is cached by hand, or elsewhere, so
 * that each is one line at boot.
 */
export function warnOfIdleEvictions(
  declared: readonly DeclaredMethod[],
  caches: CacheRegistry,
  warn: (message: string) => void,
): void {
  const writers: Acting<CacheableOperation | PutOperation>[] = [];
  const evictions: Acting<EvictOperation>[] = [];
  for (const { method, runtimeClass } of declared) {
    for (const operation of method.operations) {
      const acting = { target: targetOf(operation.options, method, runtimeClass, caches), where: method.where };
      if (operation.kind === 'evict') evictions.push({ operation, ...acting });
      else writers.push({ operation, ...acting });
    }
  }
  const said = new Set<string>();
  for (const eviction of evictions) {
    const line = idleRegion(eviction, writers, caches) ?? idleKey(eviction, writers) ?? idleTag(eviction, writers);
    if (line === null || said.has(line)) continue;
    said.add(line);
    warn(line);
  }
}

type Writer = Acting<CacheableOperation | PutOperation>;

function idleRegion(
  { operation, target, where }: Acting<EvictOperation>,
  writers: readonly Writer[],
  caches: CacheRegistry,
): string | null {
  const { key, keys, allEntries } = operation.options;
  if (key === undefined && keys === undefined && allEntries !== true) return null;
  if (writers.some((writer) => writer.target.region === target.region)) return null;
  const { name } = target.region;
  const others = new Set(
    writers.filter((one) => one.target.cache === target.cache).map((one) => one.target.region.name),
  );
  const near = nearestName(name, others);
  // a region that the module names, or a word that is near no other, is probably filled by hand
  if (!target.isClassRegion && (near === undefined || caches.isConfigured(target.cache, name))) return null;
  const meant =
    near !== undefined
      ? `Did you mean region "${near}"?`
      : others.size > 0
        ? `Name the region that holds the entries, such as region: "${[...others][0]}".`
        : 'Name the region that holds the entries.';
  return `@CacheEvict on ${where} evicts from region "${name}", into which no method caches: it evicts nothing. ${meant}`;
}

function idleKey({ operation, target, where }: Acting<EvictOperation>, writers: readonly Writer[]): string | null {
  const { key, keys, tags, allEntries } = operation.options;
  if (key === undefined || keys !== undefined || tags !== undefined || allEntries === true) return null;
  const own = writers.filter((writer) => writer.target.region === target.region);
  if (own.length === 0) return null;
  const withKeys = own.filter((writer) => writer.operation.options.key !== undefined);
  if (withKeys.length === 0) {
    const reader = own[0]!.where;
    return (
      `@CacheEvict on ${where} evicts by a key, and ${reader} has none: its default keys, made of class, method and all arguments, never equal it. ` +
      `Give ${reader} the same key, or evict by tags or allEntries.`
    );
  }
  const shape = keyShapeOf(key);
  if (withKeys.some((writer) => reaches(shape, keyShapeOf(writer.operation.options.key!)))) return null;
  const near = nearestKey(key, withKeys);
  return (
    `@CacheEvict on ${where} evicts by the key ${textOf(key)}, which no key in region "${target.region.name}" can equal: it evicts nothing. ` +
    `Did you mean ${near}?`
  );
}

/** A function of which nothing is known may make any key. */
function reaches(one: KeyShape, other: KeyShape): boolean {
  const isUnknown = (shape: KeyShape) => shape.segments === null && shape.first === null;
  return isUnknown(one) || isUnknown(other) || mayMeet(one, other);
}

function nearestKey(key: unknown, writers: readonly Writer[]): string {
  const templates = writers.flatMap(({ operation: { options } }) =>
    typeof options.key === 'string' ? [options.key] : [],
  );
  const near = typeof key === 'string' ? nearestName(key, templates) : undefined;
  if (near !== undefined) return `'${near}'`;
  const { operation, where } = writers[0]!;
  return `the key of ${where}, ${textOf(operation.options.key)}`;
}

function textOf(key: unknown): string {
  if (typeof key === 'string') return `'${key}'`;
  const source = Function.prototype.toString.call(key).replace(/\s+/g, ' ');
  return source.length > 60 ? `${source.slice(0, 60)}…` : source;
}

/** Only where all tags are written out, and one of them is nearly the same. */
function idleTag({ operation, target, where }: Acting<EvictOperation>, writers: readonly Writer[]): string | null {
  const { tags } = operation.options;
  if (!Array.isArray(tags)) return null;
  const given = writers.filter((one) => one.target.cache === target.cache).map((one) => one.operation.options.tags);
  if (given.some((one) => typeof one === 'function')) return null;
  const known = new Set(given.flatMap((one) => (one ?? []) as readonly string[]));
  for (const tag of tags as readonly string[]) {
    const near = known.has(tag) ? undefined : nearestName(tag, known);
    if (near === undefined) continue;
    return `@CacheEvict on ${where} evicts by the tag "${tag}", which no method gives: it evicts nothing. Did you mean "${near}"?`;
  }
  return null;
}
