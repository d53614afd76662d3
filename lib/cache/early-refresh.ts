import type { Clock } from '../shared/clock.js';
import type { BackOff } from './back-off.js';
import type { EntryCall } from './entry-call.js';
import { fullTtlMs } from './prepared-value.js';

/** Share of the ttl in which nothing is refreshed early, however long its load takes. */
const QUIET_SHARE = 0.5;
/** Keys that are left alone for a while; all of them are forgotten when there are more. */
const MAX_QUIET = 10_000;

/**
 * When a value is loaded anew before it expires: `now - delta * beta * ln(random) >= expiry`, the longer its load takes
 * and the nearer its end, the likelier (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache
 * Stampede Prevention", PVLDB 8, 2015). Decided at hits alone, so a key that nobody reads expires.
 */
export class EarlyRefresh {
  /** Keys that this process refreshes, or found refreshed by others, and until when it does not ask again, local ms. */
  private readonly quietUntil = new Map<string, number>();

  constructor(
    private readonly parts: { readonly clock: Clock; readonly random: () => number; readonly backOff: BackOff },
  ) {}

  /** @param restMs until it expires @param value decoded, for a ttl that depends on it */
  isDue({ key, policy, args }: EntryCall, restMs: number, loadMicros: number, value: unknown): boolean {
    const { random, clock, backOff } = this.parts;
    if (restMs * 1_000 > -loadMicros * policy.earlyRefresh * Math.log(random())) return false;
    if (restMs <= 0 || clock.now() < (this.quietUntil.get(key.entry) ?? -Infinity) || backOff.isOn(key.entry))
      return false;
    try {
      return restMs <= fullTtlMs(policy, value, args) * QUIET_SHARE;
    } catch {
      // the application's ttl function refuses what it made itself: nothing to refresh by
      return false;
    }
  }

  /** From now on nobody else in this process refreshes the key, until `ended`. */
  began(entry: string): void {
    if (this.quietUntil.size >= MAX_QUIET) this.quietUntil.clear();
    this.quietUntil.set(entry, Infinity);
  }

  /** @param quietMs how long not to ask again: another instance loads it, or none may */
  ended(entry: string, quietMs: number): void {
    if (quietMs > 0) this.quietUntil.set(entry, this.parts.clock.now() + quietMs);
    else this.quietUntil.delete(entry);
  }
}
