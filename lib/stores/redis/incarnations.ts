/** Above this a number is no incarnation: they are µs since the epoch, and the functions must be able to count on from them. */
const MAX_INCARNATION = 2 ** 52;

/**
 * The highest incarnation ever seen of each bucket, in replies and messages. Every call carries it, so that a server that
 * is behind (rolled back, or promoted too early) cannot pass for the one from before.
 */
export class Incarnations {
  private readonly highest: number[];

  constructor(bucketCount: number) {
    this.highest = new Array<number>(bucketCount).fill(0);
  }

  of(bucket: number): number {
    return this.highest[bucket]!;
  }

  note(bucket: number, incarnation: number): void {
    if (incarnation > this.highest[bucket]! && incarnation <= MAX_INCARNATION) this.highest[bucket] = incarnation;
  }
}

/** The number, or null when the text is not a whole number in the range of the functions. */
export function wholeNumber(text: string | null | undefined): number | null {
  if (!text || text.length > 16 || !/^\d+$/.test(text)) return null;
  const number = Number(text);
  return number <= MAX_INCARNATION ? number : null;
}
