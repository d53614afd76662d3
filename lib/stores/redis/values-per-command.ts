/** As much as is read from a socket at once: what is answered after it can be read, and used, meanwhile. */
const BYTES = 65_536;
/** Whatever their size: so many pay for the command beside theirs, which asks for the position. */
const FEWEST = 4;
/** More would hold up the connection by one reply. */
const MOST = 512;
/** How much one reply counts against those before. */
const WEIGHT = 1 / 8;

/**
 * For how many values one command asks: for some 64 KB of them, by what was found lately.
 *
 * A reply is used when all of it has come. Of one of a megabyte all values are made at the same time, live until the
 * last is made, and the server waits meanwhile.
 */
export class ValuesPerCommand {
  private meanBytes = 0;
  most = MOST;

  /** @param values of one reply; what is no bytes was not found */
  note(values: readonly unknown[]): void {
    let found = 0;
    let bytes = 0;
    for (const value of values) {
      if (!Buffer.isBuffer(value)) continue;
      found += 1;
      bytes += value.length;
    }
    if (found === 0) return;
    this.meanBytes += (bytes / found - this.meanBytes) * (this.meanBytes === 0 ? 1 : WEIGHT);
    this.most = Math.min(MOST, Math.max(FEWEST, Math.floor(BYTES / this.meanBytes)));
  }
}
