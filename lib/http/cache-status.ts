/** What became of a request in this cache (RFC 9211). */
export type CacheStatus =
  | { readonly hit: true; readonly ttlMs: number | null; readonly detail?: string }
  | {
      readonly hit: false;
      readonly fwd: 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'request' | 'stale';
      readonly isStored?: boolean;
      readonly isCollapsed?: boolean;
      readonly ttlMs?: number | null;
      readonly detail?: string;
    };

/** The member of this cache in the field; an item of a structured list (RFC 9651). */
export function cacheStatusOf(status: CacheStatus): string {
  let text = status.hit ? 'RedisCache; hit' : `RedisCache; fwd=${status.fwd}`;
  if (!status.hit) {
    if (status.isStored) text += '; stored';
    if (status.isCollapsed) text += '; collapsed';
  }
  // a soft-evicted entry is past its ttl since for ever
  if (status.ttlMs != null && Number.isFinite(status.ttlMs)) text += `; ttl=${Math.floor(status.ttlMs / 1_000)}`;
  if (status.detail !== undefined) text += `; detail=${status.detail}`;
  return text;
}
