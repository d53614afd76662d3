/** What links add to tell campaigns apart, and no handler reads. */
const TRACKING =
  /^(?:utm_.*|_ga|_gl|dclid|fbclid|gbraid|gclid|igshid|mc_cid|mc_eid|msclkid|ttclid|twclid|wbraid|yclid)$/;

/**
 * Parsers of queries stop at some number of parameters, 1,000 as a rule; who sends as many as this is past any that a
 * handler names.
 */
const MOST_PARAMETERS = 100;

/**
 * A query in one form: its named parameters by name, the values of one name in their order. `a[b]` belongs to the name
 * `a`.
 *
 * @param url path and query
 * @returns null when the query has a parameter that is not among the names, and is none of tracking, or when a
 * handler's parser may
 *   read it in another way than this one
 */
export function queryText(url: string, names: ReadonlySet<string>, unknown: 'bypass' | 'drop'): string | null {
  // no part of a request's target: parsers differ over where the query begins
  if (url.includes('#')) return null;
  const start = url.indexOf('?');
  if (start < 0 || start === url.length - 1) return '';
  if (url.split('&', MOST_PARAMETERS + 1).length > MOST_PARAMETERS) return null;
  const kept: [string, string][] = [];
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const bracket = name.indexOf('[');
    // qs reads `[page]` as `page`
    if (bracket === 0) return null;
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
