import type { Traffic } from './traffic.js';

/** Draws keys, 0 to `keys - 1`, by Zipf's law: key 0 is the most popular. @param random 0 <= x < 1 */
export function drawsOf({ keys, skew }: Pick<Traffic, 'keys' | 'skew'>, random: () => number): () => number {
  const until: number[] = [];
  let total = 0;
  for (let rank = 1; rank <= keys; rank++) until.push((total += rank ** -skew));
  return () => {
    const at = random() * total;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (until[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
