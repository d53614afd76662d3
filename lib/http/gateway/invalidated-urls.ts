import { single } from './header-fields.js';
import type { ResponseHead } from './message-heads.js';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']);

/**
 * What a request that may have written ends (RFC 9111, section 4.4): its own URI, and Location and Content-Location of
 * the same origin. Empty for a safe method or an error.
 *
 * @param url of the request, absolute
 * @returns absolute URLs without fragment
 */
export function invalidatedUrls(method: string, url: URL, response: ResponseHead): URL[] {
  if (SAFE.has(method) || response.status < 200 || response.status >= 400) return [];
  const urls = [withoutHash(url)];
  for (const name of ['location', 'content-location']) {
    const value = single(response.headers, name);
    if (!value || !URL.canParse(value, url.href)) continue;
    const target = new URL(value, url);
    if (target.hostname === url.hostname) urls.push(withoutHash(target));
  }
  return urls;
}

function withoutHash(url: URL): URL {
  const copy = new URL(url);
  copy.hash = '';
  return copy;
}
