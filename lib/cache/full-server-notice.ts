import type { Clock } from '../shared/clock.js';
import type { LoggerPort } from '../shared/logger.js';

/** Without a refusal for so long the server counts as having room again. */
const QUIET_MS = 60_000;

/** Tells an operator once that a server takes no more values, not once per value. */
export class FullServerNotice {
  private lastMs = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly logger: LoggerPort,
  ) {}

  refused(reason: Error): void {
    const nowMs = this.clock.now();
    const isNew = nowMs - this.lastMs >= QUIET_MS;
    this.lastMs = nowMs;
    if (!isNew) return;
    this.logger.warn(
      `${reason.message}. What was to be put is evicted instead, so nothing is stale; the cache keeps less than it could. ` +
        `Give Redis more memory, or a maxmemory-policy that evicts, such as volatile-lru.`,
    );
  }
}
