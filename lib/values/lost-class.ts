import { classNameOf, objectKindOf, ownClassNameOf } from '../codecs/object-kind.js';
import { formatPath } from '../codecs/path.js';
import { MAX_DEPTH } from '../codecs/plain-data.js';
import { type FieldTypes, isClass, TypedInstance, type ValueType } from '../options/value-type.js';
import { CacheError } from '../shared/errors.js';
import { isDriverList, isDriverRow } from './driver-row.js';

/** Where in the value something stands: an index, a field, or a field of an instance of the class named. */
type Step = number | string | { readonly field: string; readonly of: string };

/**
 * Compares what came with what comes back: every instance of a class must come back as one of the same class, unless
 * `type` says otherwise there (`'plain'`, a function). Rows of known drivers are plain by nature.
 *
 * @throws CacheError RC_CLASS_LOST at the first that is lost
 */
export function checkClasses(came: unknown, back: unknown, type: ValueType | null): void {
  visit(came, back, type, []);
}

function visit(came: unknown, back: unknown, type: ValueType | null, path: readonly Step[]): void {
  if (typeof came !== 'object' || came === null || isAccepted(type) || path.length > MAX_DEPTH) return;
  if (Array.isArray(came)) {
    if (!isSame(came, back, 'Array') && !isDriverList(came)) throw lost(came, back, type, path);
    const items = Array.isArray(back) ? (back as unknown[]) : [];
    came.forEach((item: unknown, i) => {
      if (typeof item === 'object' && item !== null) visit(item, items[i], typeOfItem(type, i), [...path, i]);
    });
    return;
  }
  switch (objectKindOf(came)) {
    case 'date':
      return isSame(came, back, 'Date') ? undefined : fail(came, back, type, path);
    case 'bytes':
      return isSame(came, back, classNameOf(back as object)) ? undefined : fail(came, back, type, path);
    case 'map':
      if (!isSame(came, back, 'Map')) throw lost(came, back, type, path);
      return visitEntries([...(came as Map<unknown, unknown>)].flat(), back, path);
    case 'set':
      if (!isSame(came, back, 'Set')) throw lost(came, back, type, path);
      return visitEntries([...(came as Set<unknown>)], back, path);
    case 'class':
      if (!isSame(came, back) && !isDriverRow(came)) throw lost(came, back, type, path);
      return visitFields(came, back, typesOfFields(type), path, classNameOf(came));
    case 'plain':
      if (typeof (came as { toJSON?: unknown }).toJSON === 'function') {
        const said: unknown = (came as { toJSON(key: string): unknown }).toJSON('');
        return said === came ? undefined : visit(said, back, type, path);
      }
      return visitFields(came, back, typesOfFields(type), path, null);
    case 'boxed':
      return;
    case 'refused':
      // by our codecs; another may keep what they refuse
      if (!isSame(came, back)) throw lost(came, back, type, path);
  }
}

function visitEntries(came: readonly unknown[], back: unknown, path: readonly Step[]): void {
  const entries = (back instanceof Map ? [...back].flat() : back instanceof Set ? [...back] : []) as unknown[];
  came.forEach((one, i) => visit(one, entries[i], null, [...path, `entry ${i}`]));
}

function visitFields(
  came: object,
  back: unknown,
  types: FieldTypes | null,
  path: readonly Step[],
  className: string | null,
): void {
  const fields = came as { readonly [name: string]: unknown };
  const others = (typeof back === 'object' && back !== null ? back : {}) as { readonly [name: string]: unknown };
  for (const field of Object.keys(fields)) {
    const value = fields[field];
    // what a schema left out is served to nobody
    if (typeof value !== 'object' || value === null || !Object.hasOwn(others, field)) continue;
    const type = types !== null && Object.hasOwn(types, field) ? types[field]! : null;
    visit(value, others[field], type, [...path, className === null ? field : { field, of: className }]);
  }
}

/** The application said so, or makes the value itself. */
function isAccepted(type: ValueType | null): boolean {
  return type === 'plain' || (typeof type === 'function' && !isClass(type));
}

function typeOfItem(type: ValueType | null, index: number): ValueType | null {
  if (!Array.isArray(type)) return type;
  return ((type as readonly ValueType[]).length === 1 ? type[0] : type[index]) ?? null;
}

function typesOfFields(type: ValueType | null): FieldTypes | null {
  if (type instanceof TypedInstance) return type.fields;
  return typeof type === 'object' && type !== null && !Array.isArray(type) ? (type as FieldTypes) : null;
}

/** Of one class; or of the built-in class named, of whatever realm. */
function isSame(came: object, back: unknown, builtIn?: string): boolean {
  if (builtIn !== undefined && classNameOf(came) === builtIn) return true;
  return typeof back === 'object' && back !== null && Object.getPrototypeOf(came) === Object.getPrototypeOf(back);
}

function fail(came: object, back: unknown, type: ValueType | null, path: readonly Step[]): never {
  throw lost(came, back, type, path);
}

function lost(came: object, back: unknown, type: ValueType | null, path: readonly Step[]): CacheError {
  const name = ownClassNameOf(came);
  const what = name === null ? 'an object with a prototype of its own' : `an instance of ${name}`;
  const where =
    path.length === 0 ? 'It is' : `${formatPath(path.map((s) => (typeof s === 'object' ? s.field : s)))} is`;
  const becomes =
    typeof back === 'object' && back !== null
      ? Object.getPrototypeOf(back) === Object.prototype
        ? 'a plain object'
        : `an instance of ${classNameOf(back)}`
      : `a ${typeof back}`;
  const stated = isClass(type as ValueType) ? ` \`type\` says ${(type as { name: string }).name}.` : '';
  return new CacheError(
    'RC_CLASS_LOST',
    `${where} ${what} and would come back as ${becomes}: without its methods, and with every field that its class hides from responses (@Exclude()).${stated} ` +
      `Say what comes back: ${cureOf(name, path)}, on the method or of the region; type: 'plain' accepts the loss.`,
  );
}

/** The `type` that states this class at this place. */
function cureOf(name: string | null, path: readonly Step[]): string {
  if (name === null || path.some((step) => typeof step === 'string' && step.startsWith('entry '))) {
    return 'a function of the plain value as type';
  }
  let type = name;
  for (const step of [...path].reverse()) {
    if (typeof step === 'number') type = type.startsWith('[') ? type : `[${type}]`;
    else if (typeof step === 'string') type = `{ ${fieldText(step)}: ${type} }`;
    else type = `instanceOf(${step.of}, { ${fieldText(step.field)}: ${type} })`;
  }
  return `type: ${type}`;
}

function fieldText(field: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(field) ? field : JSON.stringify(field.slice(0, 40));
}
