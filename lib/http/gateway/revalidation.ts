import { combined, type HeaderFields, single } from './header-fields.js';
import { keptFields } from './storing.js';
import type { ExchangeTimes, ResponseHead } from './message-heads.js';

/** What only the sender of a request can mean: taken out before the cache asks in its own name. */
const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range', 'range'];

/** A 304 says nothing of these: they belong to the stored body (RFC 9111, section 3.2). */
const OF_THE_BODY = new Set(['content-encoding', 'content-length', 'content-range', 'content-md5', 'etag']);

/** A request's fields with the stored validators in place of the client's own conditions (RFC 9111, section 4.3.1). */
export function conditionalFields(request: HeaderFields, stored: ResponseHead | null): HeaderFields {
  const fields = Object.fromEntries(Object.entries(request).filter(([name]) => !CONDITIONS.includes(name)));
  if (stored === null) return fields;
  const etag = single(stored.headers, 'etag');
  const lastModified = single(stored.headers, 'last-modified');
  if (etag) fields['if-none-match'] = etag;
  if (lastModified) fields['if-modified-since'] = lastModified;
  return fields;
}

/**
 * True when a 304 speaks of the stored response (RFC 9111, section 4.3.4): the same strong validator, or no validator
 * that says otherwise.
 */
export function isAbout(response: ResponseHead, stored: ResponseHead): boolean {
  const [etag, ours] = [combined(response.headers, 'etag'), combined(stored.headers, 'etag')];
  if (etag !== undefined) return ours !== undefined && opaque(etag) === opaque(ours);
  const [modified, oursModified] = [
    combined(response.headers, 'last-modified'),
    combined(stored.headers, 'last-modified'),
  ];
  return modified === undefined || modified === oursModified;
}

/** The stored response with what a 304 says anew (RFC 9111, sections 3.2 and 4.3.4). */
export function freshened<R extends ResponseHead>(
  stored: R,
  response: ResponseHead,
  times: ExchangeTimes,
): R & ExchangeTimes {
  const news = Object.entries(keptFields(response.headers)).filter(([name]) => !OF_THE_BODY.has(name));
  // an Age of the old exchange says nothing of the new one
  const { age: _, ...kept } = stored.headers;
  return { ...stored, ...times, headers: { ...kept, ...Object.fromEntries(news) } };
}

function opaque(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag;
}
