import type { Codec } from './codec.js';

/**
 * A codec that reads only what was written with the same shape of values. The shape is part of the id that stands in an
 * entry's header, `json@2`; ids of codecs have no `@`. Shape 1 is the codec itself, so that entries from before shapes
 * were known stay readable.
 */
export function shapedCodec(codec: Codec, shape: number): Codec {
  if (shape === 1) return codec;
  return {
    id: `${codec.id}@${shape}`,
    binary: codec.binary,
    encode: (value) => codec.encode(value),
    decode: (payload, meta) => codec.decode(payload, meta),
  };
}
