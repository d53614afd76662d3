/** Keys and marks in one call: the server runs nothing else meanwhile. */
export const MAX_PER_CALL = 1_000;

/** Always the same for the same list. */
export function chunksOf<X>(list: readonly X[]): (readonly X[])[] {
  const chunks: (readonly X[])[] = [];
  for (let from = 0; from < list.length; from += MAX_PER_CALL) chunks.push(list.slice(from, from + MAX_PER_CALL));
  return chunks;
}
