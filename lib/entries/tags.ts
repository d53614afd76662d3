import { CacheError, describeValue } from '../shared/errors.js';

/** Longest tag, characters. */
const MAX_TAG = 256;

/**
 * The tags without duplicates.
 *
 * @param where what states them, for the message
 * @throws CacheError RC_INVALID_TAG
 */
export function checkTags(tags: unknown, where: string): readonly string[] {
  const isValid =
    Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag.length > 0 && tag.length <= MAX_TAG);
  if (isValid) return tags.length < 2 ? [...(tags as string[])] : [...new Set(tags as string[])];
  const got = Array.isArray(tags) ? tags.map(describeValue).join(', ') : describeValue(tags);
  throw new CacheError(
    'RC_INVALID_TAG',
    `The tags of ${where} must be an array of texts of 1 to ${MAX_TAG} characters, got ${got}.`,
  );
}
