/**
 * One eviction that the store acknowledged: of a key as it stands in Redis (`user:profile:42:json`), of a tag, of a
 * region (`clear`), or of all.
 *
 * @publicApi
 */
export type CacheEviction =
  | { readonly key: string }
  | { readonly tag: string }
  | { readonly region: string }
  | { readonly all: true };

interface Args {
  readonly keys?: readonly { readonly entry: string }[];
  readonly marks?: readonly string[];
  readonly hold?: string;
  readonly holdMs?: number;
}

/** Operations of a store that evict; the first round of a group, which holds, is followed by one of these. */
const EVICTING = ['evict', 'softEvict', 'unfence', 'stamp'];

/** What a call of a store evicted. */
export function evictionsOf(operation: string, args: unknown): CacheEviction[] {
  const { keys = [], marks = [], holdMs } = (args ?? {}) as Args;
  if (!EVICTING.includes(operation) || holdMs !== undefined) return [];
  return [...keys.map(({ entry }) => ({ key: entry })), ...marks.map(evictionOf)];
}

function evictionOf(mark: string): CacheEviction {
  if (mark.startsWith('t:')) return { tag: mark.slice(2) };
  return mark.startsWith('r:') ? { region: mark.slice(2) } : { all: true };
}
