import type { State } from './layout.js';

const BITS_PER_WORD = 32;

/**
 * Where the bytes of a state stand in words. A byte takes the bits alone in which it was seen to differ from the
 * initial state: most take none, and a state of 160 bytes takes four words.
 */
export class Packing {
  /** How many words a state takes. */
  readonly width: number;
  /** Per byte: its word, and its bits there. A mask of 0: the byte is always the initial one. */
  readonly word: Uint8Array;
  readonly shift: Uint8Array;
  readonly mask: Uint8Array;

  constructor(
    private readonly initial: State,
    private readonly bits: Uint8Array = new Uint8Array(initial.length),
  ) {
    this.word = new Uint8Array(initial.length);
    this.shift = new Uint8Array(initial.length);
    this.mask = bits.map((count) => (1 << count) - 1);
    const used = [0];
    bits.forEach((count, byte) => {
      let word = used.findIndex((bitsUsed) => bitsUsed + count <= BITS_PER_WORD);
      if (word < 0) word = used.push(0) - 1;
      this.word[byte] = word;
      this.shift[byte] = used[word]! % BITS_PER_WORD;
      used[word]! += count;
    });
    this.width = used.length;
  }

  /** All of where a byte stands in one number: the word, the shift, the mask; 0: it never changes. */
  placeOf(byte: number): number {
    return (this.word[byte]! << 16) | (this.shift[byte]! << 8) | this.mask[byte]!;
  }

  /** What stands in a byte's bits for a value. */
  codeOf(byte: number, value: number): number {
    return value ^ this.initial[byte]!;
  }

  /** One in which each byte has room for such a value as well; this one, if it has. */
  with(values: Iterable<readonly [byte: number, value: number]>): Packing {
    const wider = this.bits.slice();
    for (const [byte, value] of values)
      wider[byte] = Math.max(wider[byte]!, BITS_PER_WORD - Math.clz32(this.codeOf(byte, value)));
    return wider.some((bits, byte) => bits > this.bits[byte]!) ? new Packing(this.initial, wider) : this;
  }

  unpack(words: Int32Array): State {
    return this.initial.map(
      (value, byte) => value ^ ((words[this.word[byte]!]! >>> this.shift[byte]!) & this.mask[byte]!),
    );
  }
}
