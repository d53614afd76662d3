import { apart } from '../../shared/apart.js';
import { Bag, type Baggable } from '../../shared/bag.js';
import type { Clock, Timer } from '../../shared/clock.js';
import { UsualAnswer } from './usual-answer.js';

export interface AnswerDeadlinesOptions {
  readonly clock: Clock;
  /** How long an answer may take at most, ms. */
  readonly timeoutMs: number;
  /** The connection is dead when something waited this long and nothing was heard, ms; more than `timeoutMs`. */
  readonly deadAfterMs: number;
  /** Called once per `deadAfterMs` of silence. */
  readonly onDead: () => void;
}

/** Something that was sent and waits for its answer. */
export interface Wait extends Baggable {
  readonly sentMs: number;
  /** When it is late. */
  readonly dueMs: number;
  readonly isLong: boolean;
  /** Let go of with the answer: it knows all that was asked for, which would else live until the next tick. */
  onLate: (reason: Error) => void;
  state: 'waiting' | 'late' | 'answered';
}

const NOTHING = () => {};

/** Ticks per wait, and per shortest wait: a deadline is late by a share of it at most. */
const TICKS = 10;
const LEAST_TICKS = 5;

/**
 * Below this no answer is late, ms: many times what a healthy one takes, more than a short stall of a busy machine, and
 * little enough that a hang is found before callers notice.
 */
const LEAST_WAIT_MS = 75;

/** A wait is so many times what is usual … */
const MARGIN = 4;

/**
 * … and so many times what an answer above the least wait took. It is forgotten with time, and not with answers: a
 * server that pauses every few seconds does so whatever it answers between, and each pause would open its circuit.
 */
const SLOW_MARGIN = 1.5;
const SLOW_HALF_LIFE_MS = 30_000;

/** So many answers have to be known before a wait is shortened. */
const ANSWERS_TO_KNOW = 50;

/**
 * The deadlines of one connection, on one coarse timer that runs while something waits.
 *
 * A server that answers in a millisecond, and has not for a hundred, hangs: so the wait is four times what its slow
 * answers usually take, within `LEAST_WAIT_MS` and `timeoutMs`. One that took longer than the least wait counts at
 * once, late or not: a server that became slow, or pauses time and again, is not taken for one that hangs twice.
 *
 * Time is counted in ticks, and a tick counts for two at most: while this process's own event loop is blocked (a long
 * computation, a garbage collection, a frozen machine) no answer can be read, so that time is not the server's. What
 * lies in the socket is read before anything is given up.
 */
export class AnswerDeadlines {
  private readonly tickMs: number;
  /** Time in which answers could be read, ms, up to the last tick. */
  private awakeMs = 0;
  private tickedAtMs = 0;
  /** When the last answer came, or the connection was called dead. */
  private heardMs = 0;
  private isHeard = false;
  private timer: Timer | null = null;
  private answers = 0;
  /** Long ones that wait. */
  private long = 0;
  private readonly usual = new UsualAnswer();
  /** What the longest of the answers above the least wait took; an older one counts for less, ms. */
  private slowMs = 0;
  private readonly waits = new Bag<Wait>();

  constructor(private readonly options: AnswerDeadlinesOptions) {
    this.tickMs = Math.min(options.timeoutMs / TICKS, LEAST_WAIT_MS / LEAST_TICKS);
  }

  /**
   * Rejects when there is no answer in time.
   *
   * @param onLateAnswer gets an answer that came after that; what it throws is dropped
   * @param isLong the server may work on it for a while, and on nothing else: no wait is short meanwhile
   */
  bound<T>(answer: Promise<T>, onLateAnswer?: (value: T) => void, isLong = false): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const wait = this.start(reject, this.options.clock.now(), isLong);
      answer.then(
        (value) => {
          if (this.end(wait)) resolve(value);
          else onLateAnswer?.(value);
        },
        (error: unknown) => {
          this.end(wait, (error as Error).name === 'ReplyError');
          reject(error as Error);
        },
      );
    });
  }

  /**
   * What is sent now is waited for, until `end`.
   *
   * @param onLate called once when there is no answer in time
   * @param nowMs of the clock
   */
  start(onLate: (reason: Error) => void, nowMs: number, isLong = false): Wait {
    if (this.timer === null) {
      this.forget();
      this.tickedAtMs = nowMs;
      this.arm();
    }
    if (isLong) this.long += 1;
    const sentMs = this.awakeAt(nowMs);
    const wait: Wait = { sentMs, dueMs: sentMs + this.waitMs, isLong, onLate, state: 'waiting', place: -1 };
    this.waits.add(wait);
    return wait;
  }

  /** How long an answer may take now, ms. */
  get waitMs(): number {
    const { timeoutMs } = this.options;
    if (this.answers < ANSWERS_TO_KNOW || this.long > 0) return timeoutMs;
    return Math.min(timeoutMs, Math.max(LEAST_WAIT_MS, MARGIN * this.usual.ms, SLOW_MARGIN * this.slowMs));
  }

  /** The server is silent: nobody waits for what was sent to it. */
  giveUp(): void {
    for (const wait of this.waits.all()) if (wait.state === 'waiting') this.makeLate(wait);
  }

  /**
   * @param isAnswer false: the connection closed, which says nothing about how quick the server is
   * @returns false when it was late
   */
  end(wait: Wait, isAnswer = true): boolean {
    const isInTime = wait.state === 'waiting';
    wait.state = 'answered';
    wait.onLate = NOTHING;
    this.waits.delete(wait);
    this.isHeard = true;
    if (wait.isLong) this.long -= 1;
    else if (isAnswer) this.learn(this.now() - wait.sentMs);
    return isInTime;
  }

  private learn(tookMs: number): void {
    this.answers += 1;
    this.usual.learn(tookMs);
    if (tookMs >= LEAST_WAIT_MS) this.slowMs = Math.max(this.slowMs, Math.min(tookMs, this.options.timeoutMs));
  }

  /** At each tick, with the time since the last. */
  private forget(): void {
    if (this.slowMs > 0) this.slowMs *= 2 ** ((this.tickedAtMs - this.options.clock.now()) / SLOW_HALF_LIFE_MS);
  }

  private makeLate(wait: Wait): void {
    wait.state = 'late';
    const { onLate } = wait;
    wait.onLate = NOTHING;
    onLate(new Error(`No answer within ${Math.round(wait.dueMs - wait.sentMs)} ms`));
  }

  private now(): number {
    return this.awakeAt(this.options.clock.now());
  }

  private awakeAt(nowMs: number): number {
    return this.awakeMs + Math.min(nowMs - this.tickedAtMs, 2 * this.tickMs);
  }

  private arm(): void {
    this.timer = apart(() => this.options.clock.after(this.tickMs, this.tick));
  }

  private readonly tick = () => {
    this.awakeMs = this.now();
    this.forget();
    this.tickedAtMs = this.options.clock.now();
    if (this.isHeard) this.heardMs = this.awakeMs;
    this.isHeard = false;
    if (this.waits.size === 0) {
      this.timer = null;
      return;
    }
    this.arm();
    // timers run before the sockets are read, immediates after
    if (this.waits.all().some(({ dueMs }) => dueMs <= this.awakeMs)) setImmediate(this.expire);
  };

  private readonly expire = () => {
    const { deadAfterMs, onDead } = this.options;
    let oldestMs = Infinity;
    for (const wait of this.waits.all()) {
      if (wait.dueMs > this.awakeMs || wait.state === 'answered') continue;
      oldestMs = Math.min(oldestMs, wait.sentMs);
      if (wait.state === 'waiting') this.makeLate(wait);
    }
    if (this.isHeard || this.awakeMs - Math.max(oldestMs, this.heardMs) < deadAfterMs) return;
    // it takes a while until the client has closed it
    this.heardMs = this.awakeMs;
    onDead();
  };
}
