import type { CacheRegistry } from '../application/cache-registry.js';
import { type RuntimeClass, targetOf } from '../application/operation-target.js';
import { type KeyShape, keyShapeOf, mayMeet } from '../keys/key-shape.js';
import type { CachedMethod } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { classNameOf } from '../shared/class-name.js';
import { CacheError } from '../shared/errors.js';

/** Who makes keys of its own in a region. */
interface KeyMaker {
  readonly runtimeClass: RuntimeClass;
  readonly where: string;
  readonly shape: KeyShape;
}

/**
 * Methods that read one region by keys of their own making, where these may be equal: they may mean one value, or two
 * by mistake. One line per method. Two classes of one name, which a line could not tell apart, are refused.
 */
export class KeyMeetings {
  private readonly makers = new Map<string, KeyMaker[]>();

  constructor(
    private readonly caches: CacheRegistry,
    private readonly warn: (message: string) => void,
  ) {}

  /** @throws CacheError RC_KEY_COLLISION */
  check(method: CachedMethod, runtimeClass: AnyFunction): void {
    for (const operation of method.operations) {
      if (operation.kind !== 'cacheable' || operation.options.key === undefined) continue;
      const { cache, region } = targetOf(operation.options, method, runtimeClass, this.caches);
      const where = `${classNameOf(runtimeClass)}${nameOf(method.where)}`;
      const maker = { runtimeClass, where, shape: keyShapeOf(operation.options.key) };
      const known = this.makers.get(`${cache.name}:${region.name}`) ?? [];
      this.makers.set(`${cache.name}:${region.name}`, [...known, maker]);
      const met = known.filter((other) => mayMeet(other.shape, maker.shape));
      const twin = met.find((other) => isTwin(other.runtimeClass, runtimeClass));
      if (twin !== undefined) throw collision(twin, maker, region.name);
      const other = met.find((one) => one.where !== where);
      if (other !== undefined) this.warn(meeting(other, maker, region.name));
    }
  }
}

function collision(one: KeyMaker, other: KeyMaker, region: string): CacheError {
  return new CacheError(
    'RC_KEY_COLLISION',
    `Two classes named "${classNameOf(other.runtimeClass)}" make keys of their own in region "${region}": ${other.where} could read what ${one.where} of the other class wrote. ` +
      `Give one of them another region, @CacheConfig({ region: '…' }), or a segment of its own in the key, such as 'orders:{id}'.`,
  );
}

function meeting(one: KeyMaker, other: KeyMaker, region: string): string {
  if (isHeirOf(one.runtimeClass, other.runtimeClass) && nameOf(one.where) === nameOf(other.where)) {
    return (
      `${one.where} and ${other.where} make the same keys in region "${region}", which one class inherits from the other: each returns what the other cached. ` +
      `If what they return differs, give the class that extends a region of its own: @CacheConfig({ region: '…' }).`
    );
  }
  return (
    `${one.where} and ${other.where} both make keys of their own in region "${region}": where these are equal, one method returns the other's value. ` +
    `If that is not meant, give one of them a region, or a segment of its own in the key, such as ['by-email', email].`
  );
}

/** `.find` of `Users.find`. */
function nameOf(where: string): string {
  return where.slice(where.indexOf('.'));
}

function isTwin(one: RuntimeClass, other: RuntimeClass): boolean {
  return one !== other && classNameOf(one) === classNameOf(other) && !isHeirOf(one, other);
}

/** One of two classes extends the other. Each is one that the application provides. */
function isHeirOf(one: RuntimeClass, other: RuntimeClass): boolean {
  return Object.prototype.isPrototypeOf.call(one, other) || Object.prototype.isPrototypeOf.call(other, one);
}
