/**
 * Side list of a payload: where the decoded plain data must be turned back into a richer value. It is short JSON.
 *
 * - a text is a leaf: `D` Date, `n` bigint, `#` NaN, ±Infinity or -0, `u` undefined, `s` text that is not well-formed
 * UTF-16,
 *   else the name of a byte class such as `Buffer`
 * - an object notes some fields of an object, or some items of an array by their index
 * - `['*', note]` notes every item of an array, or every field of an object
 * - `['M', note?]`, `['S', note?]`, `['O', note?]`: an array that is a Map's pairs, a Set's items, an object's pairs,
 * itself noted
 * - `['?', note]`: null stands for undefined; anything else as `note` says
 *
 * **A note only acts on raw data of its own kind and passes everything else on as it is** (see {@link claims}): this is
 * what lets one `['*', …]` stand for a thousand rows although some of them hold null where others hold a Date.
 */
export type Note = string | readonly [kind: NoteKind, inner?: Note] | FieldNotes;

export type NoteKind = '*' | 'M' | 'S' | 'O' | '?';

/** Own properties only; `__proto__` is a name like any other. */
export interface FieldNotes {
  [name: string]: Note;
}

/** Whether the leaf turns `raw` into something else. */
export function claims(leaf: string, raw: unknown): boolean {
  if (leaf === 'u') return raw === null;
  if (leaf === 'n' || leaf === '#' || leaf === 's') return typeof raw === 'string';
  // A Date is text or a number, and still a Date while it is written; bytes are text or bytes.
  return raw !== null && raw !== undefined && typeof raw !== 'boolean';
}

/** Adds a note under a name that may be `__proto__`. */
export function addNote(notes: FieldNotes, name: string, note: Note): void {
  if (name === '__proto__') {
    Object.defineProperty(notes, name, { value: note, enumerable: true, configurable: true, writable: true });
  } else notes[name] = note;
}

/**
 * One note for all children, if it does to each of them exactly what its own note does; null if there is none.
 *
 * @param own note of each child, by position; undefined where it has none
 * @param raw the children as they are written
 */
export function commonNote(own: readonly (Note | undefined)[], raw: readonly unknown[]): Note | null {
  let common: Note | undefined;
  for (const note of own) {
    if (note === undefined || (common !== undefined && isSame(common, note))) continue;
    const merged = merge(common, note);
    if (merged === null) return null;
    common = merged;
  }
  if (common === undefined) return null;
  for (let i = 0; i < raw.length; i++) if (!actAlike(common, own[i], raw[i])) return null;
  return common;
}

function isSame(a: Note, b: Note): boolean {
  if (a === b) return true;
  if (typeof a === 'string' || typeof b === 'string') return false;
  if (isKind(a) || isKind(b)) {
    if (!isKind(a) || !isKind(b) || a[0] !== b[0]) return false;
    return a[1] === undefined || b[1] === undefined ? a[1] === b[1] : isSame(a[1], b[1]);
  }
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && isSame(a[name]!, b[name]!));
}

/** A note that may do what both do; null when they contradict each other. */
function merge(a: Note | undefined, b: Note | undefined): Note | undefined | null {
  if (a === undefined || b === undefined) return a ?? b;
  if (isSame(a, b)) return a;
  if (isKind(a) && a[0] === '?') return optional(b === 'u' ? a[1] : merge(a[1], isKind(b) && b[0] === '?' ? b[1] : b));
  if (isKind(b) && b[0] === '?') return merge(b, a);
  if (a === 'u' || b === 'u') return ['?', a === 'u' ? b : a];
  if (typeof a === 'string' || typeof b === 'string') return null;
  if (isKind(a) || isKind(b)) {
    if (!isKind(a) || !isKind(b) || a[0] !== b[0]) return null;
    const inner = merge(a[1], b[1]);
    return inner === null ? null : inner === undefined ? [a[0]] : [a[0], inner];
  }
  const union: FieldNotes = {};
  for (const name of Object.keys(a)) addNote(union, name, a[name]!);
  for (const name of Object.keys(b)) {
    const merged = merge(Object.hasOwn(union, name) ? union[name] : undefined, b[name]);
    if (merged === null) return null;
    addNote(union, name, merged!);
  }
  return union;
}

function optional(inner: Note | undefined | null): Note | null {
  return inner === null || inner === undefined ? null : ['?', inner];
}

/** Whether both notes do the same to `raw`. No note does nothing. */
function actAlike(a: Note | undefined, b: Note | undefined, raw: unknown): boolean {
  if (a === b) return true;
  const x = actionOn(a, raw);
  const y = actionOn(b, raw);
  if (x === y) return true;
  if (typeof x === 'string' || typeof y === 'string') return false;
  const xKind = makerOf(x);
  if (xKind !== makerOf(y)) return false;
  if (xKind !== '') return actAlike((x as readonly [NoteKind, Note?])[1], (y as readonly [NoteKind, Note?])[1], raw);
  const children = raw as { [name: string]: unknown };
  const isForAll = (x !== undefined && isKind(x)) || (y !== undefined && isKind(y));
  const names = isForAll ? Object.keys(children) : [...Object.keys(x ?? {}), ...Object.keys(y ?? {})];
  return names.every(
    (name) => !Object.hasOwn(children, name) || actAlike(childNote(x, name), childNote(y, name), children[name]),
  );
}

/** The part of the note that acts on `raw`: nothing, a leaf, or a note of raw's children. */
function actionOn(note: Note | undefined, raw: unknown): Note | undefined {
  if (note === undefined) return undefined;
  if (typeof note === 'string') return claims(note, raw) ? note : undefined;
  if (isKind(note) && note[0] === '?') return raw === null ? 'u' : actionOn(note[1], raw);
  if (raw === null || typeof raw !== 'object') return undefined;
  return makerOf(note) !== '' && !Array.isArray(raw) ? undefined : note;
}

/**
 * The kind of a note that makes another object of the array: Map, Set, object; '' when it only acts on its children.
 */
function makerOf(note: Exclude<Note, string> | undefined): string {
  return note !== undefined && isKind(note) && note[0] !== '*' ? note[0] : '';
}

function childNote(note: Exclude<Note, string> | undefined, name: string): Note | undefined {
  if (note === undefined) return undefined;
  if (isKind(note)) return note[1];
  return Object.hasOwn(note, name) ? note[name] : undefined;
}

/** False for fields and leaves. */
export function isKind(note: Note): note is readonly [NoteKind, Note?] {
  return Array.isArray(note);
}
