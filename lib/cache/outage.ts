import type { Clock } from '../shared/clock.js';
import type { LoggerPort } from '../shared/logger.js';

/** How long every bucket must have answered before the outage counts as over: a server that falters is one outage, not many. */
const QUIET_MS = 1_000;

/** Tells an operator once that Redis went away, and once that it is back, however many buckets are polled meanwhile. */
export class Outage {
  private readonly failing = new Set<number>();
  private sinceMs: number | null = null;
  /** When the last bucket that failed answered again. */
  private endedAtMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
  ) {}

  /** Until every bucket has answered for a while. */
  get isOn(): boolean {
    return this.sinceMs !== null;
  }

  /** The bucket's last poll was not answered. */
  isOf(bucket: number): boolean {
    return this.failing.has(bucket);
  }

  failed(bucket: number, error: unknown): void {
    this.failing.add(bucket);
    if (this.sinceMs !== null) return;
    this.sinceMs = this.clock.now();
    this.logger.warn(`Redis does not answer: ${reasonOf(error)}. Calls load until it does.`);
  }

  answered(bucket: number): void {
    if (this.sinceMs === null) return;
    const nowMs = this.clock.now();
    if (this.failing.delete(bucket)) this.endedAtMs = nowMs;
    if (this.failing.size > 0 || nowMs - this.endedAtMs < QUIET_MS) return;
    const seconds = ((this.endedAtMs - this.sinceMs) / 1_000).toFixed(1);
    this.sinceMs = null;
    this.logger.log(`Redis answers again, after ${seconds} s.`);
  }
}

/** What the connection said, without the frame that the store put around it. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { message?: string } };
  return cause?.message ?? message;
}
