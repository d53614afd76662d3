import { combined, type HeaderFields, single } from './gateway/header-fields.js';
import { parseHttpDate } from './gateway/http-date.js';

const ENTITY_TAG = /\s*(?:(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")|([^",]*|"[^",]*))\s*(?:,|$)/y;

/**
 * Whether a client has the response already, so that a 304 answers it (RFC 9110, section 13.2.2). If-None-Match comes
 * first, by weak comparison; what is no entity tag in it matches nothing. If-Modified-Since compares with Last-Modified
 * alone (section 13.1.3): the time at which the response was made (RFC 9111, section 4.3.2) proves nothing, since the
 * client may have had an older one within the same second, or by another machine's clock.
 */
export function isNotModified(request: HeaderFields, response: HeaderFields): boolean {
  const tags = combined(request, 'if-none-match');
  if (tags !== undefined) return matches(tags, single(response, 'etag'));
  const since = single(request, 'if-modified-since');
  if (typeof since !== 'string') return false;
  const sinceMs = parseHttpDate(since, Date.now());
  if (sinceMs === null) return false;
  const modified = single(response, 'last-modified');
  const modifiedMs = typeof modified === 'string' ? parseHttpDate(modified, Date.now()) : null;
  return modifiedMs !== null && modifiedMs <= sinceMs;
}

function matches(tags: string, etag: string | null | undefined): boolean {
  if (tags.trim() === '*') return true;
  if (typeof etag !== 'string') return false;
  const opaque = etag.startsWith('W/') ? etag.slice(2) : etag;
  ENTITY_TAG.lastIndex = 0;
  while (ENTITY_TAG.lastIndex < tags.length) {
    const match = ENTITY_TAG.exec(tags);
    if (match === null) return false;
    if (match[1] === opaque) return true;
  }
  return false;
}
