import type { Payload, StoredEntry } from '../../entries/stored-entry.js';

/**
 * The text line before every payload: `1|stamp|incarnation|fresh until µs|load µs|version|tags|format\n`.
 *
 * The functions on the server write it (functions/entries.lua.ts) and read its first fields; `format` stands last since
 * it may contain `|`. Whatever does not match is not ours.
 */
const NEWLINE = 0x0a;

/**
 * Longest header that the functions read, bytes, with its line end. What the cache writes is shorter: MAX_LABEL_BYTES.
 */
export const MAX_HEADER_BYTES = 65_536;

/** @returns null when the bytes are not an entry of ours, or damaged */
export function parseEntry(raw: Payload): StoredEntry | null {
  const end = typeof raw === 'string' ? raw.indexOf('\n') : raw.indexOf(NEWLINE);
  if (end < 0 || end >= MAX_HEADER_BYTES) return null;
  // by hand: on the path of every hit a pattern with groups costs more than all the rest of it
  const head = typeof raw === 'string' ? raw : raw.toString('utf8', 0, end);
  if (!head.startsWith('1|')) return null;
  let from = 2;
  /** The next field, without its separator; null: there is none. */
  const next = (): string | null => {
    const to = head.indexOf('|', from);
    if (to < 0 || (to > end && typeof raw === 'string')) return null;
    const field = head.substring(from, to);
    from = to + 1;
    return field;
  };
  const stamp = numberOf(next());
  const incarnation = numberOf(next());
  const freshUntilMicros = numberOf(next());
  const load = next();
  const version = next();
  const tags = next();
  if (stamp < 0 || incarnation < 0 || freshUntilMicros < 0 || !isDigits(load) || load === '') return null;
  if (!isDigits(version) || tags === null) return null;
  return {
    payload: typeof raw === 'string' ? raw.slice(end + 1) : raw.subarray(end + 1),
    format: typeof raw === 'string' ? raw.substring(from, end) : head.substring(from),
    stamp,
    incarnation,
    freshUntilMicros,
    loadMicros: Number(load),
    version,
    tags: tags === '' ? NO_TAGS : tags.split(',').map(unescapeText),
  };
}

const NO_TAGS: readonly string[] = Object.freeze([]);

/** -1 when the text is no whole number of at most 16 digits. */
function numberOf(text: string | null): number {
  return text !== null && text !== '' && text.length <= 16 && isDigits(text) ? Number(text) : -1;
}

function isDigits(text: string | null): text is string {
  if (text === null) return false;
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

const SPECIAL = /[%|,\n]/;
const SPECIALS = /[%|,\n]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ESCAPES = /%u([0-9a-f]{4})|%([0-9a-f]{2})/g;

/** Text without a separator of headers, marks, fences or messages. Different texts stay different. */
export function escapeText(text: string): string {
  if (!SPECIAL.test(text) && text.isWellFormed()) return text;
  return text.replace(SPECIALS, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x80 ? `%${code.toString(16).padStart(2, '0')}` : `%u${code.toString(16)}`;
  });
}

export function unescapeText(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(ESCAPES, (_, wide?: string, narrow?: string) =>
    String.fromCharCode(parseInt((wide ?? narrow)!, 16)),
  );
}
