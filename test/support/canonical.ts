/**
 * A value as text that tells apart what must not be mixed up: -0 and 0, undefined and absent, Date and text, an own
 * `__proto__` and a changed prototype. Order of fields counts.
 */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return String(value);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag === 'Date') return `Date(${(value as Date).getTime()})`;
  if (tag === 'Map')
    return `Map{${[...(value as Map<unknown, unknown>)].map(([k, v]) => `${canonical(k)}=>${canonical(v)}`).join()}}`;
  if (tag === 'Set') return `Set{${[...(value as Set<unknown>)].map(canonical).join()}}`;
  if (ArrayBuffer.isView(value) || tag === 'ArrayBuffer') return canonicalBytes(value as ArrayBuffer, tag);
  if (Array.isArray(value)) return `[${Array.from(value as unknown[], canonical).join()}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  const className = prototype === null || prototype === Object.prototype ? '' : `${value.constructor?.name} `;
  const fields = Object.keys(value).map(
    (name) => `${JSON.stringify(name)}:${canonical(Object.getOwnPropertyDescriptor(value, name)!.value)}`,
  );
  return `${className}{${fields.join()}}`;
}

function canonicalBytes(value: ArrayBufferView | ArrayBuffer, tag: string): string {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  return `${Buffer.isBuffer(value) ? 'Buffer' : tag}<${Buffer.from(bytes).toString('hex')}>`;
}
