import type { BucketPosition } from '../remote-store.js';

/**
 * Above this a number is no incarnation: they are µs since the epoch, and the functions must be able to count on from
 * them.
 */
const MAX_INCARNATION = 2 ** 52;

/**
 * The highest incarnation ever seen of each bucket, in replies and messages, and the highest sequence of that
 * incarnation. Every call carries the incarnation, so that a server that is behind (rolled back, or promoted too early)
 * cannot pass for the one from before.
 */
export class KnownPositions {
  private readonly highest: BucketPosition[];

  constructor(bucketCount: number) {
    this.highest = new Array<BucketPosition>(bucketCount).fill({ incarnation: 0, sequence: 0 });
  }

  of(bucket: number): BucketPosition {
    return this.highest[bucket]!;
  }

  note(bucket: number, { incarnation, sequence }: BucketPosition): void {
    const known = this.highest[bucket]!;
    if (!isNumber(incarnation) || !isNumber(sequence) || incarnation < known.incarnation) return;
    if (incarnation > known.incarnation || sequence > known.sequence) this.highest[bucket] = { incarnation, sequence };
  }

  /**
   * What a function said when this much was known: it looked at the server's memory, so that a sequence below was never
   * the server's.
   */
  settle(bucket: number, said: BucketPosition, knownBefore: BucketPosition): void {
    // what came meanwhile may be of a newer incarnation, to which a late reply says nothing
    const isSame = this.highest[bucket]!.incarnation === knownBefore.incarnation;
    if (isSame && isBehind(said, knownBefore)) this.highest[bucket] = said;
    else this.note(bucket, said);
  }
}

/**
 * A sequence only grows, so a lower one under the same incarnation is another server's: data was rolled back under the
 * connection (R21).
 */
export function isBehind(position: BucketPosition, known: BucketPosition): boolean {
  return position.incarnation === known.incarnation && position.sequence < known.sequence;
}

const isNumber = (number: number) => number >= 0 && number <= MAX_INCARNATION;

const ZERO = 0x30;

/** The number, or null when the text, or its bytes, is not a whole number in the range of the functions. */
export function wholeNumber(text: unknown): number | null {
  const isBytes = Buffer.isBuffer(text);
  if ((!isBytes && typeof text !== 'string') || text.length === 0 || text.length > 16) return null;
  let number = 0;
  for (let n = 0; n < text.length; n++) {
    const digit = (isBytes ? text[n]! : text.charCodeAt(n)) - ZERO;
    if (digit < 0 || digit > 9) return null;
    number = 10 * number + digit;
  }
  return number <= MAX_INCARNATION ? number : null;
}
