/** So many answers make a row … */
const ROW = 64;
/** … and so many rows are remembered; odd, so that one is in the middle. */
const ROWS = 5;

/**
 * How long the slow ones among a server's recent answers take, ms: of each row of 64 answers the longest, and of the
 * last five rows the middle one.
 *
 * A machine that pauses once makes one row long, and the middle stays where it is; a server that became slower makes
 * three of them long. The longest of all instead would let a single pause count for thousands of answers.
 */
export class UsualAnswer {
  ms = 0;
  private count = 0;
  private longestMs = 0;
  private rows: readonly number[] = [];

  learn(tookMs: number): void {
    this.longestMs = Math.max(this.longestMs, tookMs);
    this.count += 1;
    if (this.rows.length < ROWS) this.ms = Math.max(this.ms, tookMs);
    if (this.count < ROW) return;
    this.rows = [...this.rows, this.longestMs].slice(-ROWS);
    this.count = 0;
    this.longestMs = 0;
    if (this.rows.length === ROWS) this.ms = this.rows.toSorted((a, b) => a - b)[(ROWS - 1) / 2]!;
  }
}
