/** What links add to tell campaigns apart, and no handler reads. */
const TRACKING =
  /^(?:utm_.*|_ga|_gl|dclid|fbclid|gbraid|gclid|igshid|mc_cid|mc_eid|msclkid|ttclid|twclid|wbraid|yclid)$/;

/**
 * A query in one form: its named parameters by name, the values of one name in their order. `a[b]` belongs to the name `a`.
 *
 * @param url path and query
 * @returns null when the query has a parameter that is not among the names, and is none of tracking
 */
export function queryText(url: string, names: ReadonlySet<string>, unknown: 'bypass' | 'drop'): string | null {
  const start = url.indexOf('?');
  if (start < 0 || start === url.length - 1) return '';
  const kept: [string, string][] = [];
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const bracket = name.indexOf('[');
    if (names.has(name) || (bracket > 0 && names.has(name.slice(0, bracket)))) kept.push([name, value]);
    else if (unknown === 'bypass' && !TRACKING.test(name)) return null;
  }
  return pairsText(kept.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** Different pairs, different texts. */
export function pairsText(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
}

export function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
