/**
 * Where a key stands in [0, 1), the same in every process: a region that is used for the share 0.1 of its keys has
 * those below 0.1, and with 0.2 the same and as many more. FNV-1a over UTF-16 units, then the finish of MurmurHash3, so
 * that keys that differ at the end spread.
 */
export function shareOf(entry: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < entry.length; at++) hash = Math.imul(hash ^ entry.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
