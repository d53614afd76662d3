/**
 * The name of a class: what `name` says or, where a static member of that name says something else than a text, what
 * the source says.
 *
 * @returns '' for a class without a name
 */
export function classNameOf(aClass: { readonly name: unknown }): string {
  if (typeof aClass.name === 'string') return aClass.name;
  const source = Function.prototype.toString.call(aClass);
  return /^class\s+(?!extends\b)([\p{ID_Start}$_][\p{ID_Continue}$]*)/u.exec(source)?.[1] ?? '';
}

/**
 * True for a name that a bundler or minifier gave to the class, so that it says nothing: the next build gives it to
 * another class. By the name, and where it could be one of the application's own, by the class's source, which has lost
 * its blanks.
 */
export function isMangled(aClass: { readonly name: unknown }): boolean {
  const name = classNameOf(aClass);
  const source = Function.prototype.toString.call(aClass);
  if (name === '' || name.length > MAX_MANGLED) return false;
  if (/^[a-z_$]/.test(name)) return true;
  return source.length > MIN_SOURCE && !source.includes('\n') && /^class\b[^{]*\{[^\s}]/.test(source);
}

/** Four letters name ten million things. */
const MAX_MANGLED = 3;

/** Shorter ones hold nothing that a minifier would have changed. */
const MIN_SOURCE = 12;
