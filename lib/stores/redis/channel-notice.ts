import type { Clock, Timer } from '../../shared/clock.js';
import type { LoggerPort } from '../../shared/logger.js';

/** How long the channel must have been lost: the store's outage, which is told by itself, is as long as a rule. */
const LOST_MS = 5_000;

/** Tells an operator that the channel alone is lost. While the whole of Redis is away that goes without saying. */
export class ChannelNotice {
  private reason: Error | null = null;
  private isTold = false;
  private timer: Timer | null = null;

  constructor(
    private readonly options: {
      readonly clock: Clock;
      readonly logger: LoggerPort;
      /** True while commands are answered, and the channel alone may be at fault. */
      readonly isServed: () => boolean;
    },
  ) {}

  lost(reason: Error): void {
    this.reason = reason;
    this.timer ??= this.options.clock.after(LOST_MS, this.tell);
  }

  stands(): void {
    this.timer?.cancel();
    this.timer = null;
    if (this.isTold) this.options.logger.log('The coherence channel is connected again.');
    this.isTold = false;
  }

  close(): void {
    this.timer?.cancel();
  }

  private readonly tell = () => {
    if (!this.options.isServed()) {
      this.timer = this.options.clock.after(LOST_MS, this.tell);
      return;
    }
    this.isTold = true;
    this.options.logger.warn(
      `The coherence channel is lost: ${this.reason?.message}. It goes on trying; meanwhile each invalidation elsewhere empties L1.`,
    );
  };
}
