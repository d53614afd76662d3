import type { CallMode } from './call-modes.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import type { Flight } from './flight.js';
import type { LoadScope } from './load-scopes.js';
import type { BypassReason } from './read-report.js';

/** Of which load the caller is part, as far as that is known, and how many had begun when the call came. */
export interface Caller {
  readonly scope: LoadScope | undefined;
  readonly moment: number;
  /** Undefined: none. */
  readonly mode: CallMode | undefined;
}

/**
 * Reads of different ways share no flight: through the cache, past it, or with a load that begins after the call, which
 * the cache gets.
 */
export type Way = 'usual' | 'past' | 'fresh';

/** Who reads, and which way the read goes. */
export class ReadWays {
  constructor(private readonly parts: Pick<Engine, 'scopes' | 'modes' | 'journal'>) {}

  /** The one that runs now. @param asked the mode of this call */
  caller(asked?: CallMode): Caller {
    const { scopes, modes } = this.parts;
    return { scope: scopes.current(), moment: scopes.moment, mode: asked ?? modes.current() };
  }

  wayOf(call: EntryCall, caller: Caller): Way {
    if (this.whyPast(call, caller) !== null) return 'past';
    return caller.mode === 'fresh' ? 'fresh' : 'usual';
  }

  /**
   * Not only where it was switched off, or the caller asked for it: while an eviction of this instance is not
   * acknowledged its own reads go past the cache, in flights of their own, since one that began before may still find
   * the old value (G3).
   */
  whyPast({ key, region }: EntryCall, { mode }: Caller): BypassReason | null {
    const { journal } = this.parts;
    if (region.isPast(key)) return region.isOff ? 'off' : 'not-rolled-out';
    if (mode === 'bypass') return 'asked';
    return journal.size > 0 && journal.covers(key, region) ? 'eviction-pending' : null;
  }
}

/** The flight that waits for the caller. */
export function ownerOf({ scope }: Caller): Flight | undefined {
  return scope?.flight ?? undefined;
}

export function flightName(call: EntryCall, way: Way): string {
  return way === 'usual' ? call.key.entry : `${call.key.entry} ${way}`;
}
