import { hash } from 'node:crypto';
import type { Exchange } from './exchange.js';
import { encoded } from './query-text.js';

/** `:id`, `:id(\\d+)`, `*path`, `{*path}` and `*` in the templates of Express and Fastify. */
const PLACEHOLDER = /:([A-Za-z0-9_]+)(?:\([^)]*\))?|\{?\/?\*([A-Za-z0-9_]*)\}?/g;
const MOST_READABLE = 200;

/**
 * The tag of all entries of a path, whatever their query, vary values and principal. Spellings of one path (case, a
 * slash at its end, percent-encoding) that lead to one handler with the same parameters have one tag.
 *
 * @param isHidden no path is to be read in it: in caches that have a region with `keys: 'hashed'`
 */
export function uriTagOf(exchange: Exchange, isHidden: boolean): string {
  const { template, params } = exchange;
  if (template === null || /[?+]|\{(?!\/?\*)/.test(template)) return uriTag(exchange.url, isHidden);
  return uriTag(
    template.replace(PLACEHOLDER, (placeholder, name: string | undefined, wildcard: string | undefined) => {
      const value = params[name ?? (wildcard || '*')] ?? '';
      const text = Array.isArray(value) ? value.map((one) => encoded(String(one))).join('/') : String(value);
      const path = name === undefined ? text : encoded(text);
      return placeholder.startsWith('/') || placeholder.startsWith('{/') ? `/${path}` : path;
    }),
    isHidden,
  );
}

/** @param url path, or path and query @param isHidden as that of {@link uriTagOf} */
export function uriTag(url: string, isHidden: boolean): string {
  const [path = ''] = url.split(/[?#]/, 1);
  const segments = path.split('/').filter((segment) => segment !== '');
  const normal = `uri:/${segments.map((segment) => encoded(decoded(segment))).join('/')}`;
  return !isHidden && normal.length <= MOST_READABLE ? normal : `uri:~${hash('sha256', normal, 'base64url')}`;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
