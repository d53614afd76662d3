/** The parameters of a function as its source names them. */
export interface Parameters {
  /** In order; null for a destructured parameter, which has no name. The rest parameter is among them. */
  readonly names: readonly (string | null)[];
  readonly hasRest: boolean;
}

/**
 * Reads the parameter list from the function's source text.
 *
 * Null when it cannot be read for sure: native and bound functions, arrow functions without parentheses, and defaults
 * that hold a regular expression, a division or a nested template text. The wrapper of another decorator has the names
 * of its own: often `...args`, which is a rest parameter.
 */
export function parametersOf(method: (...args: never[]) => unknown): Parameters | null {
  const source = Function.prototype.toString.call(method);
  if (NATIVE.test(source)) return null;
  const list = parameterList(source);
  if (list === null) return null;
  const parts = splitTopLevel(list);
  const names = parts.map(nameOf);
  return { names, hasRest: parts.at(-1)?.startsWith('...') ?? false };
}

const NATIVE = /\{\s*\[native code\]\s*\}$/;

function nameOf(part: string): string | null {
  return /^(?:\.\.\.)?\s*([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)/u.exec(part)?.[1] ?? null;
}

/**
 * The text between the parentheses of the parameter list; null when unsure. A computed name in brackets before it is
 * skipped.
 */
function parameterList(source: string): string | null {
  let start = -1;
  for (const { index, character, depth } of tokensOf(source)) {
    if (UNREADABLE.includes(character)) return null;
    if (start < 0 && character === '(' && depth === 1) start = index + 1;
    else if (start >= 0 && character === ')' && depth === 0) return source.slice(start, index);
    else if (start < 0 && (character === '{' || (character === '=' && source[index + 1] === '>'))) return null;
  }
  return null;
}

function splitTopLevel(list: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (const { character, depth } of tokensOf(list)) {
    if (character === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += character;
  }
  return [...parts, part.trim()].filter(Boolean);
}

/** Begins a regular expression or a division, or a template text with texts inside: what follows is not read. */
const UNREADABLE = '/`';

/** The characters outside of comments and texts, with the depth of brackets after each. */
function* tokensOf(source: string): Generator<{ index: number; character: string; depth: number }> {
  let depth = 0;
  for (let index = 0; index < source.length; index++) {
    const character = source[index]!;
    if (character === '/' && source[index + 1] === '*') index = indexAfter(source, '*/', index + 2) - 1;
    else if (character === '/' && source[index + 1] === '/') index = indexAfter(source, '\n', index + 2) - 1;
    else if (character === '"' || character === "'") index = endOfText(source, index);
    else if (character === '`' && isPlainTemplate(source, index)) index = plainTemplate.lastIndex - 1;
    else {
      if ('([{'.includes(character)) depth++;
      else if (')]}'.includes(character)) depth--;
      yield { index, character, depth };
    }
  }
}

function indexAfter(source: string, end: string, from: number): number {
  const index = source.indexOf(end, from);
  return index < 0 ? source.length : index + end.length;
}

function endOfText(source: string, start: number): number {
  for (let index = start + 1; index < source.length; index++) {
    if (source[index] === '\\') index++;
    else if (source[index] === source[start]) return index;
  }
  return source.length;
}

/** A template text whose values hold no text, bracket or comment of their own. */
const plainTemplate = /`(?:[^`\\$]|\\[^]|\$(?!\{)|\$\{[^`'"/{}]*\})*`/y;

function isPlainTemplate(source: string, start: number): boolean {
  plainTemplate.lastIndex = start;
  return plainTemplate.test(source);
}
