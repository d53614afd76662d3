import { type Bulkhead, NO_PLACE } from './bulkhead.js';
import type { Engine } from './engine.js';
import type { Outcome } from './flight.js';
import { loadsExhausted } from './load-refusal.js';
import type { Loading, LoadRun } from './load-run.js';
import { type Found, JUST_LOAD } from './found.js';
import { isServableAtAll, staleOutcome } from './stale.js';

type Parts = Pick<Engine, 'faults'> & { readonly loads: LoadRun };

/**
 * Lets loads begin, those of a region with a bulkhead in their turn.
 *
 * Whoever waits for a turn holds no lease: another instance with room may load meanwhile, and readers elsewhere wait
 * for no load that has not begun. So L2 is looked at again when the turn has come. A load that one with a place waits
 * for needs none, else they would wait for each other: also one that is in line already when the other joins it.
 */
export class LoadTurns {
  constructor(private readonly parts: Parts) {}

  /** Never rejects. @param wanted without a place @param lookAgain null: the read goes past the cache */
  run(wanted: Loading, lookAgain: (() => Promise<Found>) | null): Promise<Outcome> {
    const { bulkhead } = wanted.call.region;
    if (bulkhead === null || wanted.flight.hasPlaceIn(bulkhead)) return this.parts.loads.run(wanted);
    return this.inTurn(wanted, bulkhead, lookAgain);
  }

  private async inTurn(
    wanted: Loading,
    bulkhead: Bulkhead,
    lookAgain: (() => Promise<Found>) | null,
  ): Promise<Outcome> {
    const { loads } = this.parts;
    const { call, flight, lease, stale } = wanted;
    const free = bulkhead.tryEnter();
    if (free !== null) {
      flight.bulkhead = bulkhead;
      return loads.run({ ...wanted, slot: free });
    }
    lease.release();
    if (stale && isServableAtAll(stale, call.policy)) return staleOutcome(stale);
    const maxMs = Math.min(call.region.options.maxWaitMs, call.policy.hardTimeoutMs);
    const slot = await bulkhead.enter(maxMs, flight.comesToHavePlaceIn(bulkhead));
    if (slot === null) {
      call.region.counts.loadsRefused += 1;
      return { kind: 'failed', error: loadsExhausted(call, bulkhead.retryAfterMs), owner: 'everyones' };
    }
    const found = await this.found(lookAgain);
    if (found.kind === 'answer') {
      slot.leave();
      return found.outcome;
    }
    if (slot !== NO_PLACE) flight.bulkhead = bulkhead;
    return loads.run({ ...wanted, lease: found.lease, stale: found.stale, askedAt: found.askedAt, slot });
  }

  private async found(look: (() => Promise<Found>) | null): Promise<Found> {
    try {
      return look === null ? JUST_LOAD : await look();
    } catch (error) {
      this.parts.faults.cacheErrorOf('A read', error);
      return JUST_LOAD;
    }
  }
}
