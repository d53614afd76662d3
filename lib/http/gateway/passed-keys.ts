/** How long a URI whose response was for one request alone is asked for without waiting for others, ms. */
const PASSED_MS = 10_000;
const MOST_PASSED = 10_000;

/**
 * URIs whose last response could not be stored. Who asks for them goes straight to the origin: waiting for another's
 * answer that cannot be shared would put all of them in a row.
 */
export class PassedKeys {
  private readonly until = new Map<string, number>();

  has(key: string, nowMs: number): boolean {
    const until = this.until.get(key);
    if (until === undefined) return false;
    if (until > nowMs) return true;
    this.until.delete(key);
    return false;
  }

  add(key: string, nowMs: number): void {
    this.until.delete(key);
    this.until.set(key, nowMs + PASSED_MS);
    if (this.until.size <= MOST_PASSED) return;
    const [oldest] = this.until.keys();
    this.until.delete(oldest!);
  }

  delete(key: string): void {
    this.until.delete(key);
  }
}
