/**
 * The name of a class: what `name` says or, where a static member of that name says something else than a text, what the source says.
 *
 * @returns '' for a class without a name
 */
export function classNameOf(aClass: { readonly name: unknown }): string {
  if (typeof aClass.name === 'string') return aClass.name;
  const source = Function.prototype.toString.call(aClass);
  return /^class\s+(?!extends\b)([\p{ID_Start}$_][\p{ID_Continue}$]*)/u.exec(source)?.[1] ?? '';
}
