import { combined, type HeaderFields, listed } from './header-fields.js';

/** Fields whose members stand in no order of their own, and mean the same in any case. */
const UNORDERED = new Set(['accept-encoding', 'accept-language', 'accept-charset']);

/**
 * The request's fields that a response says it depends on, normalised, by name in order (RFC 9111, section 4.1); null:
 * the request had none. Empty when there is no Vary.
 */
export function selectingFields(request: HeaderFields, response: HeaderFields): Record<string, string | null> {
  const names = [...new Set(listed(response, 'vary'))].sort();
  return Object.fromEntries(names.map((name) => [name, normalised(request, name)]));
}

/** True when a response stored with these selecting fields answers the request. `*` never does. */
export function isSelected(selecting: Readonly<Record<string, string | null>>, request: HeaderFields): boolean {
  for (const name in selecting) if (name === '*' || normalised(request, name) !== selecting[name]) return false;
  return true;
}

/** Lines are joined and spaces around commas dropped; of languages and encodings, order and case too. */
function normalised(request: HeaderFields, name: string): string | null {
  const text = combined(request, name);
  if (text === undefined) return null;
  const members = text.split(',').map((member) => member.trim());
  if (!UNORDERED.has(name)) return members.join(',');
  return members
    .map((member) => member.toLowerCase())
    .sort()
    .join(',');
}
