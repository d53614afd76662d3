/** Older than this, ms, nothing is reckoned: the server's clock may have been set, or this machine have stood still. */
const MAX_AGE_MS = 2_000;
/** What was longer on its way, ms, says too little. */
const MAX_WAY_MS = 100;

/**
 * What the clocks of servers say, reckoned from their last answers to polls, so that leases and fills need not ask.
 * Never compared: by bucket, and by incarnation.
 */
export class ServerTimes {
  private readonly told: ({ incarnation: number; micros: number; atMs: number } | undefined)[] = [];

  /**
   * @param sentAtMs when the poll was sent, local ms
   * @param answeredAtMs when its answer came
   */
  note(
    bucket: number,
    { incarnation, nowMicros }: { incarnation: number; nowMicros: number },
    sentAtMs: number,
    answeredAtMs: number,
  ): void {
    if (answeredAtMs - sentAtMs <= MAX_WAY_MS) this.told[bucket] = { incarnation, micros: nowMicros, atMs: sentAtMs };
  }

  /** As the functions take it: `incarnation|µs`, or '' where they have to ask their server. */
  of(bucket: number, nowMs: number): string {
    const told = this.told[bucket];
    if (told === undefined || nowMs - told.atMs > MAX_AGE_MS) return '';
    return `${told.incarnation}|${told.micros + Math.max(0, Math.round((nowMs - told.atMs) * 1_000))}`;
  }
}
