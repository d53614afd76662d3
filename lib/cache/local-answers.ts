import type { CacheKey } from '../keys/cache-key.js';
import { apart } from '../shared/apart.js';
import type { LocalEntry } from '../stores/local-store.js';
import type { Engine } from './engine.js';
import type { LocalTier } from './local-tier.js';
import type { ReadPolicy } from './read-policy.js';
import { type OnReport, takeListener, tell } from './read-report.js';
import { NOTHING } from './region.js';
import type { RegionState } from './region-state.js';

const resolved = (value: unknown) => Promise.resolve(value);

/** What L1 answers to the calls of one region: to each whether it may be asked, then its value, counted as a hit. */
export class LocalAnswers {
  /**
   * L1 as every call may use it. Null: there is none, it is switched off, or somebody reads past it, so that each call
   * is asked.
   */
  private localTier: LocalTier | null;

  constructor(
    private readonly state: RegionState,
    private readonly parts: Pick<Engine, 'localTier' | 'journal' | 'modes' | 'scopes' | 'clock'>,
  ) {
    this.localTier = parts.localTier;
  }

  /** The region was switched off or on, or somebody began to read past the cache, or nobody does any more. */
  modesChanged(): void {
    this.localTier = this.state.isOff || this.parts.modes.isUsed ? null : this.parts.localTier;
  }

  /** A promise of the value, the same for all who share it; null: there is none. */
  answer(key: CacheKey, policy: ReadPolicy, asked: OnReport | undefined): Promise<unknown> | null {
    const entry = this.find(key, policy);
    if (entry === undefined) return null;
    if (entry.revive === null) {
      this.noteHit(entry, asked);
      return (entry.answer ??= apart(resolved, entry.value));
    }
    const value = this.revived(entry.revive, key, policy);
    if (value === NOTHING) return null;
    this.noteHit(entry, asked);
    return Promise.resolve(value);
  }

  /** The value, or NOTHING. */
  take(key: CacheKey, policy: ReadPolicy, asked: OnReport | undefined): unknown {
    const entry = this.find(key, policy);
    if (entry === undefined) return NOTHING;
    const value = entry.revive === null ? entry.value : this.revived(entry.revive, key, policy);
    if (value !== NOTHING) this.noteHit(entry, asked);
    return value;
  }

  private find(key: CacheKey, policy: ReadPolicy): LocalEntry | undefined {
    const { journal } = this.parts;
    const localTier = this.localTier ?? this.localTierOfCall();
    if (localTier === null || (journal.size > 0 && journal.covers(key, this.state))) return undefined;
    if (this.state.loadsBesideValue > 0 && this.isPartOfLoadOf(key)) return undefined;
    return localTier.find(key, policy.shape);
  }

  private localTierOfCall(): LocalTier | null {
    const { localTier, modes } = this.parts;
    return this.state.isOff || modes.current() !== undefined ? null : localTier;
  }

  /** The caller is part of a load of this entry, as far as that is known. */
  private isPartOfLoadOf(key: CacheKey): boolean {
    return this.parts.scopes.current()?.flight?.isLoadOf(this.state, key) ?? false;
  }

  /** What fitted type and schema when it was read may fit no longer: it is a miss then, as in L2. */
  private revived(revive: () => unknown, key: CacheKey, policy: ReadPolicy): unknown {
    try {
      return revive();
    } catch (error) {
      this.parts.localTier?.drop(key.entry);
      this.state.countUndecodable(policy.where, error);
      return NOTHING;
    }
  }

  private noteHit(entry: LocalEntry, asked: OnReport | undefined): void {
    this.state.counts.hitsL1 += 1;
    const report = asked ?? takeListener();
    if (report === undefined) return;
    const freshMs = entry.freshUntilMs - this.parts.clock.now();
    tell(this.state, report, { source: 'l1', isJoined: false, isStored: true, freshMs, bypass: null });
  }
}
