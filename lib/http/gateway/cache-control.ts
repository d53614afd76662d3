import { combined, type HeaderFields } from './header-fields.js';

/**
 * The directives of a Cache-Control field by lower-case name (RFC 9111, section 5.2); null: without an argument. Of a
 * directive that stands twice, the smaller number of seconds counts.
 */
export type CacheControl = ReadonlyMap<string, string | null>;

/** An argument that nobody can read: stale at once where it is a number of seconds. */
const UNREADABLE = '?';

/** RFC 9111, section 1.2.2: what is larger counts as this. */
const MOST_SECONDS = 2 ** 31;

const DIRECTIVE = /\s*([^\s,="]*)(\s*=\s*("(?:[^"\\]|\\.)*"|[^",]*))?\s*(?:,|$)/y;

/**
 * Reads what is well formed. Where the rest cannot be told apart, a quote without its end say, the field counts as
 * `no-store`: the directive that forbids most may stand in it.
 */
export function parseCacheControl(fields: HeaderFields): CacheControl {
  const directives = new Map<string, string | null>();
  const text = combined(fields, 'cache-control');
  if (text === undefined) return directives;
  DIRECTIVE.lastIndex = 0;
  while (DIRECTIVE.lastIndex < text.length) {
    const match = DIRECTIVE.exec(text);
    if (match === null) return directives.set('no-store', null);
    const [, name = '', assigned, value] = match;
    if (name === '') continue;
    add(directives, name.toLowerCase(), assigned === undefined ? null : argumentOf(assigned, value!));
  }
  return directives;
}

/**
 * The seconds of a directive: undefined when it does not stand there, 0 when its argument is no number of seconds (RFC
 * 9111, section 4.2.1: what is invalid is stale).
 */
export function secondsOf(directives: CacheControl, name: string): number | undefined {
  const argument = directives.get(name);
  return argument === undefined ? undefined : toSeconds(argument);
}

function add(directives: Map<string, string | null>, name: string, argument: string | null): void {
  const before = directives.get(name);
  if (before !== undefined && toSeconds(before) < toSeconds(argument)) return;
  // the bare form forbids more than the one with names of fields: no-cache against no-cache="a"
  if (before === null) return;
  directives.set(name, argument);
}

function argumentOf(assigned: string, value: string): string {
  if (/^\s|^=\s/.test(assigned)) return UNREADABLE;
  if (value.startsWith('"')) return value.slice(1, -1).replace(/\\(.)/g, '$1');
  return value.trim();
}

function toSeconds(argument: string | null): number {
  return argument !== null && /^\d+$/.test(argument) ? Math.min(Number(argument), MOST_SECONDS) : 0;
}
