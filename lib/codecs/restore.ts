import { bytesAs, isByteClass } from './byte-classes.js';
import { dateOfIso } from './iso-date.js';

/** Turns decoded plain data back, in place where it can. */
export interface Restorer {
  /** @throws Error when the data is not what the notes were made for */
  restore(raw: unknown): unknown;
  /** True when nothing that it makes has content that Object.freeze does not reach. */
  readonly isFreezable: boolean;
}

type Restore = (raw: unknown) => unknown;

/** Notes are the same for all values of a shape, so that each is read once. */
const MAX_KEPT_RESTORERS = 500;
const MAX_KEPT_CHARS = 500;
const kept = new Map<string, Restorer>();

/** @throws Error when the text is not a note */
export function restorerOf(noteText: string): Restorer {
  const known = kept.get(noteText);
  if (known) return known;
  const restorer = createRestorer(JSON.parse(noteText));
  if (noteText.length <= MAX_KEPT_CHARS) {
    if (kept.size >= MAX_KEPT_RESTORERS) kept.clear();
    kept.set(noteText, restorer);
  }
  return restorer;
}

function createRestorer(note: unknown): Restorer {
  let isFreezable = true;
  const compile = (part: unknown): Restore => {
    if (typeof part === 'string') {
      if (part === 'D' || isByteClass(part)) isFreezable = false;
      return leafRestore(part);
    }
    if (Array.isArray(part)) {
      if (part[0] === 'M' || part[0] === 'S') isFreezable = false;
      return kindRestore(part[0], part[1] === undefined ? null : compile(part[1]));
    }
    if (typeof part !== 'object' || part === null) throw new Error('not a note');
    return fieldsRestore(Object.entries(part).map(([name, inner]) => [name, compile(inner)]));
  };
  const restore = compile(note);
  return { restore, isFreezable };
}

function leafRestore(leaf: string): Restore {
  switch (leaf) {
    case 'D':
      return restoreDate;
    case 'u':
      return (raw) => (raw === null ? undefined : raw);
    case 'n':
      return (raw) => (typeof raw === 'string' ? BigInt(raw) : raw);
    case '#':
      return (raw) => (typeof raw === 'string' ? restoreNumber(raw) : raw);
    case 's':
      return (raw) => (typeof raw === 'string' ? restoreText(raw) : raw);
    default:
      if (!isByteClass(leaf)) throw new Error('unknown note');
      return (raw) => restoreBytes(leaf, raw);
  }
}

function restoreDate(raw: unknown): unknown {
  if (typeof raw === 'number') return new Date(raw);
  if (typeof raw !== 'string') return raw;
  return raw === 'Invalid Date' ? new Date(NaN) : dateOfIso(raw);
}

function restoreNumber(raw: string): number {
  if (raw === '-0') return -0;
  if (raw === 'NaN' || raw === 'Infinity' || raw === '-Infinity') return Number(raw);
  throw new Error('not a number');
}

function restoreText(raw: string): string {
  const text: unknown = JSON.parse(raw);
  if (typeof text !== 'string') throw new Error('not text');
  return text;
}

function restoreBytes(name: string, raw: unknown): unknown {
  if (typeof raw === 'string') return bytesAs(name, Buffer.from(raw, 'base64'));
  return Buffer.isBuffer(raw) ? bytesAs(name, raw) : raw;
}

function kindRestore(kind: unknown, inner: Restore | null): Restore {
  switch (kind) {
    case 'M':
      return ofArray(inner, (pairs) => new Map(pairs.map(asPair)));
    case 'S':
      return ofArray(inner, (items) => new Set(items));
    case 'O':
      // fromEntries defines properties: a pair named __proto__ becomes a field of its own.
      return ofArray(inner, (pairs) => Object.fromEntries(pairs.map(asPair)));
  }
  if (inner === null) throw new Error('not a note');
  if (kind === '?') return (raw) => (raw === null ? undefined : inner(raw));
  if (kind !== '*') throw new Error('unknown note');
  return (raw) => {
    if (Array.isArray(raw)) for (let i = 0; i < raw.length; i++) raw[i] = inner(raw[i]);
    else if (typeof raw === 'object' && raw !== null) restoreAllFields(raw as { [name: string]: unknown }, inner);
    return raw;
  };
}

function restoreAllFields(fields: { [name: string]: unknown }, inner: Restore): void {
  for (const name of Object.keys(fields)) fields[name] = inner(fields[name]);
}

function ofArray(inner: Restore | null, make: (items: unknown[]) => unknown): Restore {
  return (raw) => (Array.isArray(raw) ? make(inner ? (inner(raw) as unknown[]) : raw) : raw);
}

function asPair(pair: unknown): [string, unknown] {
  if (!Array.isArray(pair) || pair.length !== 2) throw new Error('not a pair');
  return pair as [string, unknown];
}

function fieldsRestore(fields: readonly [name: string, inner: Restore][]): Restore {
  const names = fields.map(([name]) => name);
  const inners = fields.map(([, inner]) => inner);
  return (raw) => {
    if (typeof raw !== 'object' || raw === null) return raw;
    const object = raw as { [name: string]: unknown };
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      // Own fields only: nothing is ever written to what the object inherits.
      if (Object.hasOwn(object, name)) object[name] = inners[i]!(object[name]);
    }
    return raw;
  };
}
