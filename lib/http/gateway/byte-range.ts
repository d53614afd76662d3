import { bytesOf, type CachedResponse } from '../cached-response.js';

/**
 * One range of a stored body (RFC 9110, section 14): `bytes=0-4`, `bytes=5-`, `bytes=-3`.
 *
 * @returns null where the origin has to answer: several ranges, another unit, none of the body, or a part that is no
 * text by itself
 */
export function partOf(stored: CachedResponse, range: string): CachedResponse | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range.trim());
  if (match === null || stored.status !== 200 || stored.form === 'bytes' || stored.form === 'none') return null;
  const bytes = bytesOf(stored);
  const [first, last] = [match[1]!, match[2]!];
  const from = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const to = first === '' || last === '' ? bytes.length - 1 : Math.min(Number(last), bytes.length - 1);
  if ((first === '' && !(Number(last) > 0)) || from > to) return null;
  const part = bytes.subarray(from, to + 1);
  const body = part.toString();
  if (!Buffer.from(body).equals(part)) return null;
  const headers = { ...stored.headers, 'content-range': `bytes ${from}-${to}/${bytes.length}` };
  return { ...stored, status: 206, headers, form: 'text', body };
}
