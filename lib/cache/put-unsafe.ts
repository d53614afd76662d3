import { CacheError } from '../shared/errors.js';
import type { EntryCall } from './entry-call.js';

/** A put without a fence, where tags are used. */
export function putUnsafe({ region }: EntryCall): CacheError {
  return new CacheError(
    'RC_PUT_UNSAFE',
    `put in region "${region.name}", which uses tags, could overwrite a tag eviction that ran since the value was read. ` +
      `Use write(key, () => …), which fences the key first, or evict(key).`,
  );
}
