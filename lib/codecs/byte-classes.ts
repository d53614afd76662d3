type ByteView = ArrayBufferView | ArrayBufferLike;

const VIEWS = {
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigUint64Array,
  BigInt64Array,
} as const;

/** Name under which {@link bytesAs} makes the same kind of bytes again; '' when `value` is none of them. */
export function byteClassOf(value: object): string {
  if (Buffer.isBuffer(value)) return 'Buffer';
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const isBytes = tag === 'DataView' || tag === 'ArrayBuffer' || Object.hasOwn(VIEWS, tag);
  // The tag can be faked by any object; the slots of bytes cannot.
  return isBytes && (ArrayBuffer.isView(value) || tag === 'ArrayBuffer') ? tag : '';
}

/** The content, without a copy. */
export function rawBytes(value: ByteView): Buffer {
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value as ArrayBuffer);
}

/**
 * Bytes of their own memory, of the class that {@link byteClassOf} named (elements in the byte order of this machine).
 *
 * @throws Error when the name is unknown or the length does not fit
 */
export function bytesAs(name: string, raw: Buffer): ByteView {
  if (name === 'Buffer') return Buffer.from(raw);
  const memory = new Uint8Array(raw).buffer;
  if (name === 'ArrayBuffer') return memory;
  if (name === 'DataView') return new DataView(memory);
  if (!isByteClass(name)) throw new Error('unknown note');
  return new VIEWS[name as keyof typeof VIEWS](memory);
}

export function isByteClass(name: string): boolean {
  return name === 'Buffer' || name === 'ArrayBuffer' || name === 'DataView' || Object.hasOwn(VIEWS, name);
}
