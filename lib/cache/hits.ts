import type { StoredEntry } from '../entries/stored-entry.js';
import type { BucketPosition, ReadOrLease } from '../stores/remote-store.js';
import type { CachedValue } from '../values/value-pipeline.js';
import { type CompressedHit, decompressed } from './compressed-entry.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import { takeOf } from './flight.js';
import type { Due, Hit } from './found.js';
import { pastMs, type Stale } from './stale.js';
import type { Ticket } from './tickets.js';

/** Makes values of the entries that L2 has, and lets L1 keep them. */
export class Hits {
  constructor(private readonly parts: Pick<Engine, 'localTier' | 'early' | 'compression' | 'clock'>) {}

  /**
   * Null when the entry cannot be decoded: a miss, with a count.
   *
   * @param nowMs local, when it was fresh for `freshMs`
   */
  hit(
    call: EntryCall,
    ticket: Ticket,
    position: BucketPosition,
    entry: StoredEntry,
    at: number,
    nowMs: number,
    freshMs: number,
  ): Hit | null {
    const decoded = this.decode(call, entry);
    if (decoded === null) return null;
    const freshUntilMs = nowMs + freshMs;
    const { stamp, tags, payload, freshUntilMicros, loadMicros } = entry;
    const kept = { stamp, tags, freshUntilMs, at, bytes: payload.length, freshUntilMicros, loadMicros };
    this.parts.localTier?.keep(call, ticket, position, decoded, kept);
    return {
      decoded,
      at,
      freshUntilMs,
      due: call.policy.earlyRefresh > 0 ? this.due(call, entry, decoded, freshMs) : null,
    };
  }

  private due(call: EntryCall, entry: StoredEntry, { value }: CachedValue, freshMs: number): Due | null {
    const { freshUntilMicros, loadMicros } = entry;
    return this.parts.early.isDue(call, freshMs, loadMicros, value) ? { freshUntilMicros, loadMicros } : null;
  }

  staleOf(call: EntryCall, reply: ReadOrLease & { kind: 'lease' | 'held' }, at: number): Stale | null {
    return reply.stale && this.stale(call, reply.stale, reply.nowMicros, at);
  }

  /** Null: it cannot be decoded. */
  stale(call: EntryCall, entry: StoredEntry, nowMicros: number, at: number): Stale | null {
    const decoded = this.decode(call, entry);
    if (decoded === null) return null;
    const past = pastMs(entry, nowMicros);
    return { take: takeOf(decoded), at, pastMs: past, freshUntilMs: this.parts.clock.now() - past };
  }

  private decode({ region, policy }: EntryCall, entry: StoredEntry): CachedValue | null {
    try {
      return region.pipelineOf(policy.shape).decode(entry.payload, entry.format);
    } catch (error) {
      region.countUndecodable(policy.where, error);
      return null;
    }
  }

  /**
   * As `hit`. Its read began before whatever happens meanwhile, and L1 keeps nothing that was voided meanwhile: the
   * ticket says so.
   */
  async decompressed(call: EntryCall, ticket: Ticket, found: CompressedHit): Promise<Hit | null> {
    const { position, at, nowMs, freshMs } = found;
    const entry = await decompressed(call.region, found.entry, this.parts.compression);
    return this.hit(call, ticket, position, entry, at, nowMs, freshMs);
  }
}
