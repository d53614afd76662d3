import type { Payload, StoredEntry } from '../../entries/stored-entry.js';

/**
 * The text line before every payload: `1|stamp|incarnation|fresh until µs|load µs|version|tags|format\n`.
 *
 * The functions on the server write it (functions/entries.lua.ts) and read its first fields; `format` stands last since it may
 * contain `|`. Whatever does not match is not ours.
 */
const HEADER = /^1\|(\d{1,16})\|(\d{1,16})\|(\d{1,16})\|(\d+)\|(\d*)\|([^|]*)\|([^\n]*)$/;

const NEWLINE = 0x0a;

/** Longest header that the functions read, bytes, with its line end. What the cache writes is shorter: MAX_LABEL_BYTES. */
export const MAX_HEADER_BYTES = 65_536;

/** @returns null when the bytes are not an entry of ours, or damaged */
export function parseEntry(raw: Payload): StoredEntry | null {
  const end = typeof raw === 'string' ? raw.indexOf('\n') : raw.indexOf(NEWLINE);
  if (end < 0 || end >= MAX_HEADER_BYTES) return null;
  const header = HEADER.exec(typeof raw === 'string' ? raw.slice(0, end) : raw.toString('utf8', 0, end));
  if (header === null) return null;
  const [, stamp, incarnation, freshUntil, load, version, tags, format] = header as unknown as string[];
  return {
    payload: typeof raw === 'string' ? raw.slice(end + 1) : raw.subarray(end + 1),
    format: format!,
    stamp: Number(stamp),
    incarnation: Number(incarnation),
    freshUntilMicros: Number(freshUntil),
    loadMicros: Number(load),
    version: version!,
    tags: tags === '' ? [] : tags!.split(',').map(unescapeText),
  };
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
