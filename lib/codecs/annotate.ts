import { byteClassOf, rawBytes } from './byte-classes.js';
import type { LostClass } from './codec.js';
import { addNote, commonNote, type FieldNotes, type Note, type NoteKind } from './note.js';
import { classNameOf, objectKindOf, ownClassNameOf, whyRefused } from './object-kind.js';
import { isMsgpackName } from './plain-data.js';
import { ValuePath } from './value-path.js';

export interface Annotated {
  /**
   * What to write: the value itself where it can be, copies on the way to what had to be replaced. The value is never
   * changed.
   */
  readonly written: unknown;
  readonly note: Note | undefined;
  /** The first instance that loses its class, or null. */
  readonly lostClass: LostClass | null;
}

/**
 * What the payload format keeps without a note. `text`: what JSON keeps, and Dates are written as ISO text. `binary`:
 * undefined, bigint, NaN, ±Infinity and bytes too, but neither ill-formed text nor some names of fields.
 */
export type Dialect = 'text' | 'binary';

/** From this many noted fields on, one note for all of them is looked for, as in arrays: the object is a dictionary. */
const DICTIONARY_FIELDS = 8;

/** Longest array that may consist mostly of holes. */
const MAX_SPARSE_LENGTH = 1_000;

const { toJSON: dateToJson, toISOString: dateToIso } = Date.prototype;

/**
 * Takes a value apart into plain data and notes.
 *
 * @throws CacheError RC_ENCODE_FAILED naming the path of what cannot be kept
 */
export function annotate(value: unknown, dialect: Dialect): Annotated {
  const walk = new Walk(dialect === 'binary');
  let note: Note | undefined;
  try {
    note = walk.visit(value);
  } catch (error) {
    throw walk.path.failureOf(error);
  }
  return { written: walk.written, note, lostClass: walk.lostClass };
}

class Walk {
  /** What to write for the value that was visited last. Each visit sets it and returns the note. */
  written: unknown;
  lostClass: LostClass | null = null;

  readonly path = new ValuePath();

  constructor(private readonly isBinary: boolean) {}

  visit(value: unknown): Note | undefined {
    this.written = value;
    switch (typeof value) {
      case 'boolean':
        return undefined;
      case 'string':
        return this.isBinary && !value.isWellFormed() ? this.write(JSON.stringify(value), 's') : undefined;
      case 'number':
        if (Object.is(value, -0)) return this.write('-0', '#');
        return this.isBinary || Number.isFinite(value) ? undefined : this.write(String(value), '#');
      case 'bigint':
        return this.isBinary ? undefined : this.write(String(value), 'n');
      case 'undefined':
        return this.isBinary ? undefined : this.write(null, 'u');
      case 'object':
        return value === null ? undefined : this.visitObject(value, true);
      default:
        return this.path.refuse(`is a ${typeof value}`, 'Return data only.');
    }
  }

  private write(written: unknown, note: Note): Note {
    this.written = written;
    return note;
  }

  private visitObject(value: object, mayConvert: boolean): Note | undefined {
    const { path } = this;
    if (path.isTooDeep) return path.refuseDepth();
    path.ancestors.push(value);
    const note =
      mayConvert && hasJsonForm(value)
        ? this.visitJsonForm(value)
        : Array.isArray(value)
          ? this.visitArray(value)
          : this.visitByKind(value);
    path.ancestors.pop();
    return note;
  }

  private visitByKind(value: object): Note | undefined {
    const kind = objectKindOf(value);
    switch (kind) {
      case 'plain':
        // msgpackr takes for plain what inherits from Object.prototype.
        return this.visitFields(value, this.isBinary && Object.getPrototypeOf(value) !== Object.prototype);
      case 'class':
        this.lose(value, 'a plain object');
        return this.visitFields(value, this.isBinary);
      case 'date':
        this.loseSubclass(value, 'Date');
        return this.visitDate(value as Date);
      case 'map':
        this.loseSubclass(value, 'Map');
        return makerNote('M', this.visitPairs([...(value as Map<unknown, unknown>)]));
      case 'set':
        this.loseSubclass(value, 'Set');
        return makerNote('S', this.visitItems([...(value as Set<unknown>)]));
      case 'bytes': {
        const bytes = rawBytes(value as ArrayBuffer);
        const byteClass = byteClassOf(value);
        this.loseSubclass(value, byteClass);
        return this.write(this.isBinary ? bytes : bytes.toString('base64'), byteClass);
      }
      case 'boxed':
        return this.visit(value.valueOf());
      case 'refused':
        return this.path.refuse(
          `is an instance of ${classNameOf(value)}${whyRefused(value)}`,
          'Return what is in it as plain fields.',
        );
    }
  }

  /** As JSON.stringify: `toJSON` is called once, not again on what it returned. */
  private visitJsonForm(value: object): Note | undefined {
    const isInstance = Array.isArray(value)
      ? Object.getPrototypeOf(value) !== Array.prototype
      : objectKindOf(value) === 'class';
    if (isInstance) this.lose(value, 'what its toJSON gives');
    const json: unknown = (value as { toJSON(key: string): unknown }).toJSON(String(this.path.steps.at(-1) ?? ''));
    if (typeof json !== 'object' || json === null) return this.visit(json);
    const note = this.visitObject(json, false);
    // JSON.stringify would call it again on what is written.
    if (hasJsonForm(this.written)) this.written = withoutToJson(this.written as object);
    return note;
  }

  /** An array of a class comes back as a plain one, without fields of its own. */
  private visitArray(items: readonly unknown[]): Note | undefined {
    if (Object.getPrototypeOf(items) === Array.prototype) return this.visitItems(items);
    this.loseSubclass(items, 'Array');
    const note = this.visitItems(items);
    // written by an encoder that may look at the class
    if (this.written === items) this.written = Array.from(items);
    return note;
  }

  /** Not of another realm's class of the same name, which is the same to the application. */
  private loseSubclass(value: object, base: string): void {
    if (this.lostClass === null && classNameOf(value) !== base) this.lose(value, `a plain ${base}`);
  }

  private lose(value: object, becomes: string): void {
    if (this.lostClass !== null) return;
    const name = ownClassNameOf(value);
    const isItem = this.path.ancestors.slice(0, -1).every((ancestor) => Array.isArray(ancestor));
    this.lostClass = { name, becomes, isRevivable: name !== null && becomes === 'a plain object' && isItem };
  }

  private visitDate(date: Date): Note {
    if (this.isBinary) return this.write(date.getTime(), 'D');
    if (Number.isNaN(date.getTime())) return this.write('Invalid Date', 'D');
    // JSON.stringify writes a Date as it should by itself, unless somebody changed what it calls.
    return date.toJSON === dateToJson && date.toISOString === dateToIso
      ? this.write(date, 'D')
      : this.write(dateToIso.call(date), 'D');
  }

  private visitItems(items: readonly unknown[]): Note | undefined {
    let copy: unknown[] | undefined;
    let notes: (Note | undefined)[] | undefined;
    const { steps } = this.path;
    const depth = steps.push(0) - 1;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (item === undefined && !(i in items)) {
        this.refuseSparse(items);
        // A hole is written as undefined.
        copy ??= [...items];
      }
      steps[depth] = i;
      const note = this.visit(item);
      if (!Object.is(this.written, item)) (copy ??= [...items])[i] = this.written;
      if (note !== undefined) (notes ??= [])[i] = note;
    }
    steps.pop();
    const written = copy ?? items;
    this.written = written;
    return notes && childNotes(notes, written);
  }

  private visitFields(value: object, mustCopy: boolean): Note | undefined {
    const fields = value as { [name: string]: unknown };
    const names = Object.keys(fields);
    if (this.isBinary && !names.every(isMsgpackName)) {
      return makerNote('O', this.visitPairs(names.map((name) => [name, fields[name]])));
    }
    let copy: { [name: string]: unknown } | undefined = mustCopy ? { ...fields } : undefined;
    let notes: FieldNotes | undefined;
    let noteCount = 0;
    const { steps } = this.path;
    const depth = steps.push('') - 1;
    for (const name of names) {
      steps[depth] = name;
      const field = fields[name];
      if (name === 'toJSON' && typeof field === 'function') {
        // Only where it was called already.
        delete (copy ??= { ...fields })[name];
        continue;
      }
      const note = this.visit(field);
      // The copy has the field as its own property already, so that even `__proto__` is only a name here.
      if (!Object.is(this.written, field)) (copy ??= { ...fields })[name] = this.written;
      if (note !== undefined) {
        addNote((notes ??= {}), name, note);
        noteCount += 1;
      }
    }
    steps.pop();
    const written = copy ?? fields;
    this.written = written;
    if (notes === undefined || noteCount < DICTIONARY_FIELDS) return notes;
    const common = commonNote(
      names.map((name) => (Object.hasOwn(notes, name) ? notes[name] : undefined)),
      names.map((name) => written[name]),
    );
    return common === null ? notes : ['*', common];
  }

  /** Each pair is written as an array of two. */
  private visitPairs(pairs: readonly (readonly unknown[])[]): Note | undefined {
    const written: unknown[] = [];
    let notes: (Note | undefined)[] | undefined;
    const { steps } = this.path;
    const depth = steps.push('') - 1;
    pairs.forEach(([key, value], i) => {
      steps[depth] = `entry ${i}`;
      const keyNote = this.visit(key);
      const writtenKey = this.written;
      const valueNote = this.visit(value);
      written.push([writtenKey, this.written]);
      const note: FieldNotes = {};
      if (keyNote !== undefined) note['0'] = keyNote;
      if (valueNote !== undefined) note['1'] = valueNote;
      if (keyNote !== undefined || valueNote !== undefined) (notes ??= [])[i] = note;
    });
    steps.pop();
    this.written = written;
    return notes && childNotes(notes, written);
  }

  private refuseSparse(items: readonly unknown[]): void {
    if (items.length > MAX_SPARSE_LENGTH && Object.keys(items).length < items.length / 2) {
      this.path.steps.pop();
      this.path.refuse(`is a sparse array of length ${items.length}`, 'Return a Map.');
    }
  }
}

function hasJsonForm(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (typeof (value as { toJSON?: unknown }).toJSON !== 'function') return false;
  const kind = Array.isArray(value) ? 'plain' : objectKindOf(value);
  // Dates and Buffers have one too, which would lose what they are.
  return kind === 'plain' || kind === 'class';
}

function withoutToJson(value: object): unknown {
  return Array.isArray(value) ? [...(value as unknown[])] : { ...value };
}

function makerNote(kind: NoteKind, inner: Note | undefined): Note {
  return inner === undefined ? [kind] : [kind, inner];
}

function childNotes(notes: readonly (Note | undefined)[], written: readonly unknown[]): Note {
  const noted: FieldNotes = {};
  let count = 0;
  for (const i in notes) {
    noted[i] = notes[i]!;
    count += 1;
  }
  const common =
    count > 1 ? commonNote(Object.assign(new Array<Note | undefined>(written.length), notes), written) : null;
  return common === null ? noted : ['*', common];
}
