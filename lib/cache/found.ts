import type { CachedValue } from '../values/value-pipeline.js';
import type { CompressedHit } from './compressed-entry.js';
import { type Outcome, takeOf } from './flight.js';
import { type Lease, NO_LEASE } from './held-lease.js';
import { type Stale, staleOutcome } from './stale.js';

export interface Answer {
  readonly kind: 'answer';
  readonly outcome: Outcome;
  /** As {@link Hit.due}. */
  readonly due: Due | null;
}

/** What is to be refreshed, as it was read. */
export interface Due {
  readonly freshUntilMicros: number;
  readonly loadMicros: number;
}

/** A hit as it was found. `at`: when its read was sent, logical time. */
export interface Hit {
  readonly decoded: CachedValue;
  readonly at: number;
  readonly freshUntilMs: number;
  /** The entry that is to be refreshed before it expires; null: not now. */
  readonly due: Due | null;
}

export function outcomeOf({ decoded, at, freshUntilMs }: Hit): Outcome {
  return { kind: 'value', at, source: 'l2', take: takeOf(decoded), freshUntilMs, isTainted: false };
}

export interface ToLoad {
  readonly kind: 'load';
  readonly lease: Lease;
  /** What may be served meanwhile, or should the load fail. */
  readonly stale: Stale | null;
  /**
   * When the question was sent that Redis answered so, logical time: up to its answer L1 is held back. Null: none was
   * answered.
   */
  readonly askedAt: number | null;
}

/** What a look at L2 came to: an answer, or the need to load. */
export type Found = Answer | ToLoad;

/** Without the right to fill. */
export const JUST_LOAD: ToLoad = { kind: 'load', lease: NO_LEASE, stale: null, askedAt: null };

/**
 * What a plain read says: the value; one that is compressed; nothing stands there; a value past its ttl; one that this
 * caller cannot decode; or nothing that could be trusted, so that the server has to judge.
 */
export type Verdict = Hit | Unread;

/** What of it has to be followed up. */
export type Unread = CompressedHit | 'absent' | 'past' | 'undecodable' | 'undecided';

export function staleAnswer(stale: Stale): Answer {
  return { kind: 'answer', outcome: staleOutcome(stale), due: null };
}
