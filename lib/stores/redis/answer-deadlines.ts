import type { Clock, Timer } from '../../shared/clock.js';

export interface AnswerDeadlinesOptions {
  readonly clock: Clock;
  /** How long an answer may take, ms. */
  readonly timeoutMs: number;
  /** The connection is dead when something waited this long and nothing was heard, ms; more than `timeoutMs`. */
  readonly deadAfterMs: number;
  readonly onDead: () => void;
}

/** Something that was sent and waits for its answer. */
export interface Wait {
  readonly sentMs: number;
  readonly onLate: (reason: Error) => void;
  state: 'waiting' | 'late' | 'answered';
}

/** Ticks per timeout: a deadline is late by a tenth at most. */
const TICKS = 10;

/**
 * The deadlines of one connection, on one coarse timer that runs while something waits.
 *
 * Time is counted in ticks, and a tick counts for two at most: while this process's own event loop is blocked (a long computation, a
 * garbage collection, a frozen machine) no answer can be read, so that time is not the server's. What lies in the socket is read before
 * anything is given up.
 */
export class AnswerDeadlines {
  private readonly tickMs: number;
  /** Time in which answers could be read, ms, up to the last tick. */
  private awakeMs = 0;
  private tickedAtMs = 0;
  private heardMs = 0;
  private isHeard = false;
  private timer: Timer | null = null;
  /** In the order in which they were sent, which is the order of the answers. */
  private waits: Wait[] = [];

  constructor(private readonly options: AnswerDeadlinesOptions) {
    this.tickMs = options.timeoutMs / TICKS;
  }

  /**
   * Rejects when there is no answer in time.
   *
   * @param onLateAnswer gets an answer that came after that; what it throws is dropped
   */
  bound<T>(answer: Promise<T>, onLateAnswer?: (value: T) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const wait = this.start(reject);
      answer.then(
        (value) => {
          if (this.end(wait)) resolve(value);
          else onLateAnswer?.(value);
        },
        (error: unknown) => {
          this.end(wait);
          reject(error as Error);
        },
      );
    });
  }

  /** What is sent now is waited for, until `end`. @param onLate called once when there is no answer in time */
  start(onLate: (reason: Error) => void): Wait {
    if (this.timer === null) {
      this.tickedAtMs = this.options.clock.now();
      this.arm();
    }
    const wait: Wait = { sentMs: this.now(), onLate, state: 'waiting' };
    this.waits.push(wait);
    return wait;
  }

  /** @returns false when it was late */
  end(wait: Wait): boolean {
    const isInTime = wait.state === 'waiting';
    wait.state = 'answered';
    this.isHeard = true;
    return isInTime;
  }

  private now(): number {
    return this.awakeMs + Math.min(this.options.clock.now() - this.tickedAtMs, 2 * this.tickMs);
  }

  private arm(): void {
    this.timer = this.options.clock.after(this.tickMs, this.tick);
  }

  private readonly tick = () => {
    this.awakeMs = this.now();
    this.tickedAtMs = this.options.clock.now();
    if (this.isHeard) this.heardMs = this.awakeMs;
    this.isHeard = false;
    this.waits = this.waits.filter(({ state }) => state !== 'answered');
    const oldest = this.waits[0];
    if (oldest === undefined) {
      this.timer = null;
      return;
    }
    this.arm();
    // timers run before the sockets are read, immediates after
    if (oldest.sentMs + this.options.timeoutMs <= this.awakeMs) setImmediate(this.expire);
  };

  private readonly expire = () => {
    const { timeoutMs, deadAfterMs, onDead } = this.options;
    let oldestMs = Infinity;
    for (const wait of this.waits) {
      if (wait.sentMs + timeoutMs > this.awakeMs) break;
      if (wait.state === 'answered') continue;
      oldestMs = Math.min(oldestMs, wait.sentMs);
      if (wait.state === 'late') continue;
      wait.state = 'late';
      wait.onLate(new Error(`No answer within ${timeoutMs} ms`));
    }
    if (!this.isHeard && this.awakeMs - Math.max(oldestMs, this.heardMs) >= deadAfterMs) onDead();
  };
}
