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
  // by hand, without closures: on the path of every hit a pattern, or a text per field, costs more than all the rest
  const afterStamp = head.indexOf('|', 2);
  const afterIncarnation = head.indexOf('|', afterStamp + 1);
  const afterFreshUntil = head.indexOf('|', afterIncarnation + 1);
  const afterLoad = head.indexOf('|', afterFreshUntil + 1);
  const afterVersion = head.indexOf('|', afterLoad + 1);
  const afterTags = head.indexOf('|', afterVersion + 1);
  // where one is missing, the search for the next began anew: then they do not follow each other
  const areThere =
    afterStamp > 0 &&
    afterIncarnation > afterStamp &&
    afterFreshUntil > afterIncarnation &&
    afterLoad > afterFreshUntil &&
    afterVersion > afterLoad &&
    afterTags > afterVersion &&
    afterTags < end;
  if (!areThere) return null;
  const stamp = numberIn(head, 2, afterStamp);
  const incarnation = numberIn(head, afterStamp + 1, afterIncarnation);
  const freshUntilMicros = numberIn(head, afterIncarnation + 1, afterFreshUntil);
  const loadMicros = numberIn(head, afterFreshUntil + 1, afterLoad);
  if (stamp < 0 || incarnation < 0 || freshUntilMicros < 0 || loadMicros < 0) return null;
  const version = head.substring(afterLoad + 1, afterVersion);
  if (!isDigits(version)) return null;
  return {
    payload: typeof raw === 'string' ? raw.slice(end + 1) : raw.subarray(end + 1),
    format: head.substring(afterTags + 1, typeof raw === 'string' ? end : undefined),
    stamp,
    incarnation,
    freshUntilMicros,
    loadMicros,
    version,
    tags: afterTags === afterVersion + 1 ? NO_TAGS : tagsIn(head.substring(afterVersion + 1, afterTags)),
  };
}

/** The whole number of at most 16 digits that is all of this part; -1: it is none. */
function numberIn(text: string, from: number, to: number): number {
  if (to === from || to - from > MAX_DIGITS) return -1;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return -1;
    number = 10 * number + digit;
  }
  return number;
}

const tagsIn = (text: string) => text.split(',').map(unescapeText);

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
