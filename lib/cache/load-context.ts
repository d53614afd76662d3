import { keepShape } from '../shared/keep-shape.js';

/** What a loader is told about the load it runs. @publicApi */
export interface LoadContext {
  /**
   * Aborts when the load's lease ended and others may take over, and after `timeout.hard`: its result will not be
   * cached any more. Read it by its name: a copy of the context (`{ ...context }`) has none.
   */
  readonly signal: AbortSignal;
  /** Name of the region. */
  readonly region: string;
  /** The Redis key of the entry. */
  readonly key: string;
  /** True: its callers were served a stale value, or one that is about to expire, and nobody waits for this load. */
  readonly isRefresh: boolean;
}

/**
 * As a load gets it. A class: each literal with a getter is an object of a shape of its own, which costs more than all
 * else that the engine does for a load, and gets old in memory.
 */
export class TermContext implements LoadContext {
  readonly #term: { readonly signal: AbortSignal };

  /** @param term makes the signal when it is asked for */
  constructor(
    term: { readonly signal: AbortSignal },
    readonly region: string,
    readonly key: string,
    readonly isRefresh: boolean,
  ) {
    this.#term = term;
  }

  get signal(): AbortSignal {
    return this.#term.signal;
  }
}

keepShape(new TermContext(null!, '', '', false));
