/**
 * The candidate that was probably meant: at most a third of its letters differ, upper and lower case count as the same.
 * Undefined when none is near.
 */
export function nearestName(got: string, candidates: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(got.toLowerCase(), candidate.toLowerCase());
    if (distance < least && distance <= Math.max(1, Math.floor(candidate.length / 3)))
      [nearest, least] = [candidate, distance];
  }
  return nearest;
}

/** ` Did you mean "ttl"?`, or nothing. */
export function didYouMean(got: string, candidates: Iterable<string>, quoted = (name: string) => `"${name}"`): string {
  const nearest = nearestName(got, candidates);
  return nearest === undefined ? '' : ` Did you mean ${quoted(nearest)}?`;
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that make `a` into `b`. Texts are cut at 64 characters.
 */
function editDistance(a: string, b: string): number {
  a = a.slice(0, 64);
  b = b.slice(0, 64);
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swap = isSwap ? beforePrevious[column - 2]! + 1 : Infinity;
      current.push(Math.min(previous[column]! + 1, current[column - 1]! + 1, substitution, swap));
    }
    [beforePrevious, previous] = [previous, current];
  }
  return previous[b.length]!;
}
