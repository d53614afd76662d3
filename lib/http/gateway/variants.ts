import type { CacheKey } from '../../keys/cache-key.js';
import type { CachedResponse } from '../cached-response.js';
import type { HeaderFields } from './header-fields.js';
import { isSelected, selectingFields } from './selection.js';

/** Where a response to a request stands, or would stand. */
export interface Place {
  readonly key: CacheKey;
  /** What stands there and answers the request but for its age; null: nothing. */
  readonly stored: CachedResponse | null;
  /** Something of the URI is stored, and none of it answers the request. */
  readonly isOfOtherVariant: boolean;
}

export interface ResponseEntries {
  /** @param variant of a URI's second and further variants */
  keyOf(uri: string, variant?: string): CacheKey;
  /** Null: nothing, or something that cannot be read. */
  peek(key: CacheKey): Promise<CachedResponse | null>;
}

/**
 * The responses to one URI (RFC 9111, section 4.1). The first is stored under the URI itself and says by which fields
 * the others differ; each of these has a key of its own. What is found is always compared with the request: the key
 * decides nothing.
 */
export async function findVariant(entries: ResponseEntries, uri: string, request: HeaderFields): Promise<Place> {
  const key = entries.keyOf(uri);
  const first = await entries.peek(key);
  if (first === null) return { key, stored: null, isOfOtherVariant: false };
  if (isSelected(first.selecting, request)) return { key, stored: first, isOfOtherVariant: false };
  const selecting = selectingFields(request, { vary: Object.keys(first.selecting) });
  const ofVariant = entries.keyOf(uri, JSON.stringify(selecting));
  const stored = await entries.peek(ofVariant);
  const isUsable = stored !== null && isSelected(stored.selecting, request);
  return { key: ofVariant, stored: isUsable ? stored : null, isOfOtherVariant: !isUsable };
}
