import { annotate } from './annotate.js';
import type { Codec, Decoded, Encoded } from './codec.js';
import { encodeFailure } from './encode-failure.js';
import { isPlainJson } from './plain-data.js';
import { restorerOf } from './restore.js';

/**
 * Longest meta: it stands in the entry's header, which stays short. Longer notes follow the JSON text, after a newline.
 */
const MAX_META_CHARS = 256;

/**
 * Plain JSON text, which keeps Date, Map, Set, bigint, bytes, undefined, NaN, ±Infinity and -0 by notes in `meta` (see
 * note.ts). A value without any of these costs a look, JSON.stringify and JSON.parse.
 *
 * Changed in a way that is known: instances of classes come back as plain objects, those of subclasses of Array, Date,
 * Map, Set and bytes as what they extend, and objects with `toJSON` as its result (`lostClass` says so); boxed
 * primitives as primitives; holes of arrays as undefined; objects that occur twice as two. Symbol-named and
 * non-enumerable properties, and named properties of arrays, are not data and are left out. Refused: functions,
 * symbols, cycles, more than 1,000 levels, Error, RegExp, Promise, URLSearchParams, Headers, Blob, Intl and other
 * built-in objects whose content is not in their properties.
 *
 * `meta`: '' or the note as JSON; or `@n`, where the JSON text has n characters and the note follows it.
 *
 * @publicApi
 */
export class JsonCodec implements Codec {
  readonly id = 'json';
  readonly binary = false;

  encode(value: unknown): Encoded {
    try {
      if (isPlainJson(value)) return { payload: JSON.stringify(value), meta: '', lostClass: null };
      const { written, note, lostClass } = annotate(value, 'text');
      const json = JSON.stringify(written);
      if (note === undefined) return { payload: json, meta: '', lostClass };
      const meta = JSON.stringify(note);
      return meta.length <= MAX_META_CHARS
        ? { payload: json, meta, lostClass }
        : { payload: `${json}\n${meta}`, meta: `@${json.length}`, lostClass };
    } catch (error) {
      throw encodeFailure(error);
    }
  }

  decode(payload: string | Buffer, meta: string): Decoded {
    const text = typeof payload === 'string' ? payload : payload.toString();
    if (meta === '') return { value: JSON.parse(text), freezable: true };
    const { json, note } = meta.startsWith('@') ? split(text, meta.slice(1)) : { json: text, note: meta };
    const { restore, isFreezable } = restorerOf(note);
    return { value: restore(JSON.parse(json)), freezable: isFreezable };
  }
}

function split(text: string, lengthText: string): { json: string; note: string } {
  const length = /^\d{1,10}$/.test(lengthText) ? Number(lengthText) : -1;
  if (text[length] !== '\n') throw new Error('the notes are not where meta says');
  return { json: text.slice(0, length), note: text.slice(length + 1) };
}
