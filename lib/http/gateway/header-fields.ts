/** Fields of a message by lower-case name; several lines of one field are an array, in their order. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The lines of a field joined as RFC 9110, section 5.3 allows; undefined when the message has none. */
export function combined(fields: HeaderFields, name: string): string | undefined {
  const value = fields[name];
  return value === undefined || typeof value === 'string' ? value : value.join(', ');
}

/** The one line of a field that may stand once; undefined when there is none, null when there are several. */
export function single(fields: HeaderFields, name: string): string | null | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'string') return value;
  return value.length === 1 ? value[0]! : value.length === 0 ? undefined : null;
}

/** Members of a comma-separated list without quoted strings, in lower case: names of fields and the like. */
export function listed(fields: HeaderFields, name: string): string[] {
  const members = combined(fields, name)?.toLowerCase().split(',') ?? [];
  return members.map((member) => member.trim()).filter((member) => member !== '');
}
