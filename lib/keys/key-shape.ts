/** A segment of a key: fixed text around a value, or fixed text alone. */
interface SegmentShape {
  readonly before: string;
  readonly hasValue: boolean;
  readonly after: string;
}

/**
 * What can be known of the keys that a `key` option makes, before any call. `segments` null: a key function; then
 * `first` is the text with which its keys begin, where its source shows one.
 */
export type KeyShape =
  | { readonly segments: readonly SegmentShape[] }
  | { readonly segments: null; readonly first: SegmentShape | null };

/** Of a template, or of a function such as `(mail) => ['by-email', mail]` or `` (mail) => `mail-${mail}` ``. */
export function keyShapeOf(key: string | ((...args: never[]) => unknown)): KeyShape {
  if (typeof key === 'string') return { segments: key.split(/:(?![^{]*\})/).map(segmentOf) };
  const source = Function.prototype.toString.call(key);
  const [, , item] = LIST_BEGINS.exec(source) ?? [];
  if (item !== undefined) return { segments: null, first: { before: item, hasValue: false, after: '' } };
  const [, text, joined] = TEXT_BEGINS.exec(source) ?? [];
  return { segments: null, first: text || joined ? { before: (text || joined)!, hasValue: true, after: '' } : null };
}

/** `=> ['by-email',` or `return ["by-email",`. */
const LIST_BEGINS = /(?:=>|\breturn)\s*\(?\s*\[\s*(['"])((?:(?!\1)[^\\\n])+)\1\s*,/;

/** `` => `mail-${ `` or `=> 'mail-' +`. */
const TEXT_BEGINS = /(?:=>|\breturn)\s*\(?\s*(?:`([^`\\$\n]+)\$\{|['"]([^'"\\\n]+)['"]\s*\+)/;

/**
 * False where two options can never make one key; where nothing is known of one, and the other has a text of its own,
 * that is taken as such.
 */
export function mayMeet(one: KeyShape, other: KeyShape): boolean {
  if (one.segments !== null && other.segments !== null) {
    const others = other.segments;
    return (
      one.segments.length === others.length && one.segments.every((segment, i) => segmentsMeet(segment, others[i]!))
    );
  }
  const [first, second] = [firstOf(one), firstOf(other)];
  if (first === null || second === null) return first === null ? !isOwn(second) : !isOwn(first);
  return segmentsMeet(first, second);
}

/** Whether the keys begin with a text of their own. */
function isOwn(first: SegmentShape | null): boolean {
  return first !== null && first.before !== '';
}

function firstOf(shape: KeyShape): SegmentShape | null {
  return shape.segments === null ? shape.first : shape.segments[0]!;
}

function segmentsMeet(one: SegmentShape, other: SegmentShape): boolean {
  if (!one.hasValue && !other.hasValue) return one.before === other.before;
  if (!one.hasValue) return segmentsMeet(other, one);
  if (!other.hasValue) {
    const text = other.before;
    return (
      text.length > one.before.length + one.after.length && text.startsWith(one.before) && text.endsWith(one.after)
    );
  }
  return (
    (one.before.startsWith(other.before) || other.before.startsWith(one.before)) &&
    (one.after.endsWith(other.after) || other.after.endsWith(one.after))
  );
}

function segmentOf(text: string): SegmentShape {
  const [, before, after] = /^([^{]*)\{[^}]*\}(.*)$/.exec(text) ?? [];
  return before === undefined
    ? { before: text, hasValue: false, after: '' }
    : { before, hasValue: true, after: after ?? '' };
}
