import { CacheError, describeValue } from '../shared/errors.js';
import { didYouMean } from '../shared/nearest-name.js';
import { escapeSegment } from './key-segment.js';
import type { Parameters } from './parameter-names.js';

/** Makes the identifier of a call from its arguments. */
export type IdentifierOf = (args: readonly unknown[]) => string;

/** `before{argument.path[0].path[1]}after`, one `:`-separated segment of a template. */
interface Segment {
  readonly before: string;
  readonly placeholder: { readonly text: string; readonly argument: number; readonly path: readonly string[] } | null;
  readonly after: string;
}

/**
 * Reads a template such as `'{0.orgId}:{0.id}'` or `'{user.orgId}:{user.id}'`: a number is the position of an argument,
 * a word its name.
 *
 * The text's own `:` separate segments; a value fills its place in one segment, escaped. A segment holds at most one
 * value, so that two different lists of values never make one key. A template without placeholders is one key for all
 * calls; a parameter's name in it is refused, since its braces were probably forgotten.
 *
 * @param parameters of the method, or null where they cannot be read: then only positions may be used, and are not
 * checked
 * @param where the method, for messages
 * @throws CacheError RC_KEY_TEMPLATE; the returned function RC_INVALID_KEY
 */
export function parseKeyTemplate(template: string, parameters: Parameters | null, where: string): IdentifierOf {
  const fail = (what: string) =>
    new CacheError('RC_KEY_TEMPLATE', `The key template '${template}' of ${where} ${what}`);
  if (template === '') throw fail('is empty. Name what identifies the value, such as {id}.');
  if (parameters && !hasPlaceholder(template)) refuseNames(template, parameters, fail);
  const segments = splitSegments(template).map((text) => parseSegment(text, parameters, fail));
  return (args) => {
    let identifier = fill(segments[0]!, args, template, where);
    for (let index = 1; index < segments.length; index++)
      identifier += `:${fill(segments[index]!, args, template, where)}`;
    return identifier;
  };
}

/** Whether the key depends on the arguments at all. */
export function hasPlaceholder(template: string): boolean {
  return /[{}]/.test(template);
}

type Fail = (what: string) => CacheError;

function refuseNames(template: string, { names }: Parameters, fail: Fail): void {
  const words = template.split(/[^\p{ID_Continue}$]+/u).flatMap((word) => [word, word.replace(/^\$/, '')]);
  const name = words.find((word) => word !== '' && names.includes(word));
  if (name === undefined) return;
  throw fail(
    `has no placeholder, but names the parameter ${name}: it is one key for all arguments. Did you mean {${name}}? If the text is meant, use a key function that returns it.`,
  );
}

/** At each `:` that is not inside a placeholder. */
function splitSegments(template: string): string[] {
  return template.match(/(?:\{[^{}]*\}|[^:])+|(?<=:|^)(?=:|$)/g) ?? [];
}

function parseSegment(text: string, parameters: Parameters | null, fail: Fail): Segment {
  const match = /^([^{}]*)(?:\{([^{}]*)\}([^]*))?$/.exec(text);
  if (!match)
    throw fail(
      `has an unmatched brace in '${text}'. Placeholders look like {id} or {0.id}; a brace cannot be part of the text.`,
    );
  const [, before = '', inner, after = ''] = match;
  if (inner === undefined) return { before: escapeSegment(before), placeholder: null, after: '' };
  if (/\{[^{}]*\}/.test(after)) {
    throw fail(
      `has two placeholders side by side in '${text}', so that different arguments could make one key. Put a ':' between them.`,
    );
  }
  if (/[{}]/.test(after)) throw fail(`has an unmatched brace in '${text}'. Placeholders look like {id} or {0.id}.`);
  return {
    before: escapeSegment(before),
    placeholder: parsePlaceholder(inner, parameters, fail),
    after: escapeSegment(after),
  };
}

function parsePlaceholder(
  inner: string,
  parameters: Parameters | null,
  fail: Fail,
): NonNullable<Segment['placeholder']> {
  const [head = '', ...path] = inner.split('.').map((part) => part.trim());
  if (head === '' || path.includes(''))
    throw fail(`has the placeholder {${inner}}, which names nothing. Write {id}, {user.id} or {0.id}.`);
  return { text: `{${inner}}`, argument: argumentOf(head, path, inner, parameters, fail), path };
}

function argumentOf(
  head: string,
  path: readonly string[],
  inner: string,
  parameters: Parameters | null,
  fail: Fail,
): number {
  const rest = path.map((name) => `.${name}`).join('');
  if (/^\d+$/.test(head)) {
    const position = Number(head);
    if (parameters && !parameters.hasRest && position >= parameters.names.length) {
      throw fail(
        `names position ${position} in {${inner}}, but the method has ${countOf(parameters.names.length)}. Positions begin at 0.`,
      );
    }
    return position;
  }
  if (!parameters) {
    throw fail(
      `names {${inner}}, but the names of the method's parameters cannot be read. Use a position such as {0${rest}}, or a key function.`,
    );
  }
  const position = parameters.names.indexOf(head);
  if (parameters.hasRest && position === parameters.names.length - 1) {
    throw fail(
      `names {${inner}}, but ...${head} is a rest parameter: a list, of which a placeholder takes one value. Use positions such as {${position}}:{${position + 1}}, or a key function such as (...${head}) => ${head}.`,
    );
  }
  if (position >= 0) return position;
  const known = parameters.names.filter((name) => name !== null);
  const now = parameters.names.findIndex((name) => name !== null && isRenamed(head, name));
  if (now >= 0) {
    throw fail(
      `names {${inner}}, and the method's parameter is called "${parameters.names[now]}" here: bundlers and minifiers change such names. Use its position, {${now}${rest}}, or a key function.`,
    );
  }
  const meant = didYouMean(head, known, (name) => `{${name}${rest}}`);
  const names =
    known.length === 0 || parameters.hasRest
      ? ' Use a position such as {0}, or a key function.'
      : ` Its parameters are: ${known.join(', ')}.`;
  const short = known.length > 0 && known.every((name) => name.length <= MAX_MINIFIED);
  const minified = short ? ' A minifier changes such names: then use positions, such as {0}, or a key function.' : '';
  throw fail(`names {${inner}}, but the method has no parameter "${head}".${meant || names}${minified}`);
}

/** `name2` of `name`: as a bundler calls one that another name of the bundle hides. */
function isRenamed(name: string, now: string): boolean {
  return now.startsWith(name) && /^[\d$_]+$/.test(now.slice(name.length));
}

/** Names of two letters are enough for the parameters of any method. */
const MAX_MINIFIED = 2;

function countOf(parameters: number): string {
  return parameters === 0 ? 'no parameters' : parameters === 1 ? '1 parameter' : `${parameters} parameters`;
}

function fill(
  { before, placeholder, after }: Segment,
  args: readonly unknown[],
  template: string,
  where: string,
): string {
  if (placeholder === null) return before;
  let value = args[placeholder.argument];
  for (const name of placeholder.path) value = (value as Record<string, unknown> | null | undefined)?.[name];
  switch (typeof value) {
    case 'string':
      return before + escapeSegment(value) + after;
    case 'number':
      if (Number.isFinite(value)) return before + String(value) + after;
      break;
    case 'bigint':
    case 'boolean':
      return before + String(value) + after;
  }
  throw new CacheError(
    'RC_INVALID_KEY',
    `${placeholder.text} in the key template '${template}' of ${where} must be a string, a finite number, a bigint or a boolean; got ${describeValue(value)}. ` +
      `Name a property that identifies the value, or use a key function.`,
  );
}
