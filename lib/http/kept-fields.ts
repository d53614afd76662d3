import { parseCacheControl } from './gateway/cache-control.js';
import { combined, type HeaderFields, listed } from './gateway/header-fields.js';
import type { CollectedResponse } from './collect-response.js';
import { areFields } from './response-codec.js';

/** Of one request, one connection, or made anew when the response is sent. */
const NEVER = new Set([
  'age',
  'authentication-info',
  'cache-status',
  'clear-site-data',
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'retry-after',
  'server-timing',
  'te',
  'trailer',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
  'x-cache',
  'x-correlation-id',
  'x-request-id',
  'x-response-time',
]);
const NEVER_PREFIX = /^(?:x-)?ratelimit-/;

/** Of the content: kept also where `headers` names what is. */
const OF_THE_CONTENT = new Set([
  'cache-control',
  'content-disposition',
  'content-language',
  'content-location',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'link',
  'location',
  'vary',
]);

/** Above it headers cost more than what they describe. */
const MAX_FIELD_BYTES = 16 * 1024;

/** Why a response is not stored, for Cache-Status; null: nothing in its fields forbids it. */
export function whyFieldsForbid(
  { fields, own }: CollectedResponse,
  scope: 'public' | 'private' | undefined,
): string | null {
  if (fields['set-cookie'] !== undefined) return 'set-cookie';
  const directives = parseCacheControl(fields);
  if (directives.has('no-store')) return 'no-store';
  if (directives.has('private') && scope !== 'private') return 'private';
  // its bytes are of one encoding, which the next client may not understand
  if (own['content-encoding'] !== undefined) return 'content-encoding';
  const vary = listed(fields, 'vary');
  if (vary.includes('*')) return 'vary';
  // a secret as the key of an entry
  if (vary.some((name) => name === 'authorization' || name === 'cookie')) return 'vary';
  const origin = combined(own, 'access-control-allow-origin');
  if (origin !== undefined && origin !== '*' && !listed(own, 'vary').includes('origin')) return 'cors';
  return null;
}

/**
 * The fields that are kept of what the handler set.
 *
 * @param named lower-case names of `headers`; null: all
 * @returns null where they could not be sent again: they are too many, or none that Node would write
 */
export function keptFieldsOf(own: HeaderFields, named: ReadonlySet<string> | null): HeaderFields | null {
  const dropped = new Set(listed(own, 'connection'));
  const kept = Object.entries(own).filter(
    ([name]) =>
      !NEVER.has(name) &&
      !NEVER_PREFIX.test(name) &&
      !dropped.has(name) &&
      (named === null || named.has(name) || OF_THE_CONTENT.has(name)),
  );
  const bytes = kept.reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
  const fields = Object.fromEntries(kept);
  return bytes <= MAX_FIELD_BYTES && areFields(fields) ? fields : null;
}

/**
 * The names in Vary on which the response depends beyond its key. What others set before the handler ran for the sake
 * of fields that they write for each request (CORS), or of the encoding on the wire, is not among them.
 */
export function ownVaryOf(fields: HeaderFields, before: HeaderFields, named: readonly string[]): string {
  const ofOthers = listed(before, 'vary').filter((name) => name === 'origin' || name === 'accept-encoding');
  return listed(fields, 'vary')
    .filter((name) => ![...named, ...ofOthers].includes(name))
    .join(', ');
}
