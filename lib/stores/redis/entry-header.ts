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
  const head = typeof raw === 'string' ? raw : raw.toString('utf8', 0, end);
  if (!head.startsWith('1|')) return null;
  // by hand: on the path of every hit a pattern, or a text per field, costs more than all the rest of it
  let at = 2;
  /** The whole number in the next field, of at most 16 digits; -1: there is none. */
  const number = (): number => {
    const from = at;
    let value = 0;
    for (; ; at++) {
      const digit = head.charCodeAt(at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = 10 * value + digit;
    }
    const digits = at - from;
    return head[at++] === '|' && digits > 0 && digits <= MAX_DIGITS ? value : -1;
  };
  /** The text in the next field; null: there is none. */
  const text = (): string | null => {
    const from = at;
    const to = head.indexOf('|', from);
    at = to + 1;
    return to < 0 || to > end ? null : head.substring(from, to);
  };
  const stamp = number();
  const incarnation = number();
  const freshUntilMicros = number();
  const loadMicros = number();
  if (stamp < 0 || incarnation < 0 || freshUntilMicros < 0 || loadMicros < 0) return null;
  const version = text();
  const tags = text();
  if (version === null || !isDigits(version) || tags === null) return null;
  return {
    payload: typeof raw === 'string' ? raw.slice(end + 1) : raw.subarray(end + 1),
    format: head.substring(at, typeof raw === 'string' ? end : undefined),
    stamp,
    incarnation,
    freshUntilMicros,
    loadMicros,
    version,
    tags: tags === '' ? NO_TAGS : tags.split(',').map(unescapeText),
  };
}

const ZERO = 0x30;
const MAX_DIGITS = 16;
const NO_TAGS: readonly string[] = Object.freeze([]);

function isDigits(text: string): boolean {
  for (let n = 0; n < text.length; n++) {
    const digit = text.charCodeAt(n) - ZERO;
    if (digit < 0 || digit > 9) return false;
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
