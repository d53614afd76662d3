import { parseCacheControl } from './gateway/cache-control.js';
import type { HeaderFields } from './gateway/header-fields.js';

/** What a request asks of caches (RFC 9111, section 5.2.1). */
export interface RequestDirectives {
  readonly isNoStore: boolean;
  readonly isOnlyIfCached: boolean;
  /** `no-cache`, `max-age=0`, and `Pragma: no-cache` of old clients. */
  readonly isNoCache: boolean;
}

const NONE: RequestDirectives = { isNoStore: false, isOnlyIfCached: false, isNoCache: false };

export function requestDirectivesOf(headers: HeaderFields): RequestDirectives {
  if (headers['cache-control'] === undefined) {
    return headers['pragma'] === 'no-cache' ? { ...NONE, isNoCache: true } : NONE;
  }
  const directives = parseCacheControl(headers);
  return {
    isNoStore: directives.has('no-store'),
    isOnlyIfCached: directives.has('only-if-cached'),
    isNoCache: directives.has('no-cache') || directives.get('max-age') === '0',
  };
}
