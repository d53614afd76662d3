import type { Clock } from '../../shared/clock.js';
import { isSilence, reasonIn } from './redis-errors.js';

/** `half-open`: a probe is on its way. `sinceMs` is local monotonic time, ms. */
export type CircuitState =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open' | 'half-open'; readonly sinceMs: number; readonly why: string };

export interface CircuitOptions {
  readonly clock: Clock;
  /** Called when it opens and when it closes, and not for probes between. */
  readonly onChange: (state: CircuitState, wasOpenMs: number) => void;
}

/** It opens when so many in a row were silent … */
const IN_A_ROW = 3;
/** … or half of the last so many. */
const WINDOW = 20;

/**
 * Keeps calls from waiting for a server that says nothing: one per endpoint, whatever connections lead there.
 *
 * Only silence counts, a passed deadline or a connection that closed under a command; a refusal is an answer. While it
 * is open nothing is sent but probes, one at a time; the first that is answered closes it.
 */
export class Circuit {
  state: CircuitState = { kind: 'closed' };
  private readonly openings = new Set<() => void>();
  private lastRefusal: Error | null = null;
  private inARow = 0;
  /** Whether each of the last calls was silent, in a ring. */
  private readonly last = new Uint8Array(WINDOW);
  private at = 0;
  private silent = 0;

  constructor(private readonly options: CircuitOptions) {}

  /** Called when it opens: what was sent before is not waited for. @returns what ends that */
  onOpen(action: () => void): () => void {
    this.openings.add(action);
    return () => void this.openings.delete(action);
  }

  /** Why nothing is sent now, or null. */
  get refusal(): Error | null {
    if (this.state.kind === 'closed') return null;
    // made once: while it is open it refuses every call
    return (this.lastRefusal ??= new Error(`nothing is sent to it now, since ${this.state.why}`));
  }

  /**
   * Sends, or rejects at once while it is open.
   *
   * @param isProbe sent while it is open too, unless another probe is on its way
   */
  run<T>(send: () => Promise<T>, isProbe: boolean): Promise<T> {
    const { state } = this;
    if (state.kind !== 'closed') {
      if (!isProbe || state.kind === 'half-open') return Promise.reject(this.refusal!);
      this.state = { ...state, kind: 'half-open' };
    }
    const answer = sent(send);
    answer.then(
      () => this.answered(isProbe),
      (error: unknown) => (isSilence(error) ? this.wasSilent(error, isProbe) : this.answered(isProbe, error)),
    );
    return answer;
  }

  /** For what is sent without `run`: an answer came. */
  answered(isProbe = false, error?: unknown): void {
    const { state } = this;
    if (state.kind === 'closed') return this.note(0);
    // what was sent before it opened says nothing about now
    if (!isProbe) return;
    // what could not be sent was not answered either
    if (error !== undefined && (error as Error).name !== 'ReplyError') return this.reopen();
    this.state = { kind: 'closed' };
    this.inARow = 0;
    this.silent = 0;
    this.last.fill(0);
    this.options.onChange(this.state, this.options.clock.now() - state.sinceMs);
  }

  /** For what is sent without `run`: none came in time. */
  wasSilent(error: unknown, isProbe = false): void {
    if (this.state.kind !== 'closed') {
      if (isProbe) this.reopen();
      return;
    }
    this.note(1);
    if (this.inARow < IN_A_ROW && this.silent < WINDOW / 2) return;
    this.state = { kind: 'open', sinceMs: this.options.clock.now(), why: reasonIn(error) ?? 'its connection closed' };
    this.lastRefusal = null;
    this.options.onChange(this.state, 0);
    for (const action of this.openings) action();
  }

  private reopen(): void {
    if (this.state.kind === 'half-open') this.state = { ...this.state, kind: 'open' };
  }

  private note(isSilent: 0 | 1): void {
    this.inARow = isSilent ? this.inARow + 1 : 0;
    this.silent += isSilent - this.last[this.at]!;
    this.last[this.at] = isSilent;
    this.at = (this.at + 1) % WINDOW;
  }
}

/**
 * What throws at once was not sent, and rejects as that: a probe that never ended would leave the circuit half-open for
 * good.
 */
function sent<T>(send: () => Promise<T>): Promise<T> {
  try {
    return send();
  } catch (error) {
    return Promise.reject(error as Error);
  }
}
