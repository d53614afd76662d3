import type { State } from './layout.js';
import type { Packing } from './packing.js';

/** Powers of two. */
const FIRST_PLACES = 1 << 15;
const BLOCK_BITS = 15;
const BLOCK = 1 << BLOCK_BITS;

// looked up once: inside jest's sandbox each use of a global goes through a slow door
const { imul } = Math;

/**
 * States in the order they were found, each once. They stand in blocks of memory: millions of small objects would not
 * fit. Exact: two states with one hash are compared.
 */
export class StateSet {
  size = 0;
  private readonly width: number;
  /** Each state after its parent. */
  private readonly blocks: Int32Array[] = [];
  /** Pairs of a hash and an index + 1, side by side: a look at another state's place costs one miss of the cache. */
  private table: Int32Array;

  constructor(
    readonly packing: Packing,
    private places = FIRST_PLACES,
  ) {
    this.width = packing.width;
    this.table = new Int32Array(places * 2);
  }

  /** @returns false when it was known */
  add(state: Int32Array, parent: number): boolean {
    const { table, width } = this;
    const hash = hashOf(state, width);
    const mask = this.places - 1;
    let at = hash & mask;
    for (;;) {
      const found = table[at * 2 + 1]!;
      if (found === 0) break;
      if (table[at * 2] === hash && this.isAt(found - 1, state)) return false;
      at = (at + 1) & mask;
    }
    const index = this.size++;
    table[at * 2] = hash;
    table[at * 2 + 1] = index + 1;
    const place = index & (BLOCK - 1);
    if (place === 0) this.blocks.push(new Int32Array(BLOCK * (width + 1)));
    const block = this.blocks[index >>> BLOCK_BITS]!;
    const start = place * (width + 1);
    block[start] = parent;
    for (let n = 0; n < width; n++) block[start + 1 + n] = state[n]!;
    if (this.size * 2 > this.places) this.grow();
    return true;
  }

  read(index: number, into: Int32Array): void {
    const { width } = this;
    const block = this.blocks[index >>> BLOCK_BITS]!;
    const start = (index & (BLOCK - 1)) * (width + 1) + 1;
    for (let n = 0; n < width; n++) into[n] = block[start + n]!;
  }

  get(index: number): State {
    const words = new Int32Array(this.width);
    this.read(index, words);
    return this.packing.unpack(words);
  }

  parentOf(index: number): number {
    return this.blocks[index >>> BLOCK_BITS]![(index & (BLOCK - 1)) * (this.width + 1)]!;
  }

  /** The same states, in the same order. */
  packedBy(packing: Packing): StateSet {
    const other = new StateSet(packing, this.places);
    const { shift, word, mask } = this.packing;
    const live = Array.from(mask.keys()).filter((byte) => mask[byte]! > 0);
    const words = new Int32Array(this.width);
    const packed = new Int32Array(packing.width);
    for (let index = 0; index < this.size; index++) {
      this.read(index, words);
      packed.fill(0);
      for (const byte of live) {
        const code = (words[word[byte]!]! >>> shift[byte]!) & mask[byte]!;
        packed[packing.word[byte]!]! |= code << packing.shift[byte]!;
      }
      other.add(packed, this.parentOf(index));
    }
    return other;
  }

  private isAt(index: number, state: Int32Array): boolean {
    const { width } = this;
    const block = this.blocks[index >>> BLOCK_BITS]!;
    const start = (index & (BLOCK - 1)) * (width + 1) + 1;
    for (let n = 0; n < width; n++) if (block[start + n] !== state[n]) return false;
    return true;
  }

  private grow(): void {
    const { table } = this;
    this.places *= 2;
    this.table = new Int32Array(this.places * 2);
    const larger = this.table;
    const mask = this.places - 1;
    for (let from = 0; from < table.length; from += 2) {
      if (table[from + 1] === 0) continue;
      let at = table[from]! & mask;
      while (larger[at * 2 + 1] !== 0) at = (at + 1) & mask;
      larger[at * 2] = table[from]!;
      larger[at * 2 + 1] = table[from + 1]!;
    }
  }
}

/** The table uses the low bits, and states differ in few bits. */
function hashOf(state: Int32Array, width: number): number {
  let hash = 0;
  for (let n = 0; n < width; n++) {
    hash = imul(hash ^ state[n]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
