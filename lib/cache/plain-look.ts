import type { StoredEntry } from '../entries/stored-entry.js';
import type { CacheKey } from '../keys/cache-key.js';
import type { CacheError } from '../shared/errors.js';
import { keepShape } from '../shared/keep-shape.js';
import type { PlainRead, ReadArgs } from '../stores/remote-store.js';
import { isCompressed } from '../values/compression.js';
import { decompressed, isMangled } from './compressed-entry.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import type { Verdict } from './found.js';
import type { Hits } from './hits.js';
import type { PlainLooker } from './remote-tier.js';
import type { Stale } from './stale.js';
import type { Ticket } from './tickets.js';

type Parts = Pick<Engine, 'remote' | 'coherence' | 'compression' | 'clock' | 'nextMoment'> & { readonly hits: Hits };

/** What follows a look. */
export type Follower<T> = Pick<PlainLooker<Verdict, T>, 'found' | 'failed'>;

/** Verified plain reads (PROTOCOL 5): what they say, and what they leave to the server. */
export class PlainLook {
  constructor(private readonly parts: Parts) {}

  /** Looks without taking or waiting. A hit makes one promise here. */
  look<T>(call: EntryCall, ticket: Ticket, follower: Follower<T>): Promise<Awaited<T>> {
    const look = new Look(this, call, ticket, this.parts.nextMoment(), follower);
    return this.parts.remote.read(look, look);
  }

  /** The stale value, by another plain read. @throws CacheError RC_STORE_UNAVAILABLE */
  async stale(call: EntryCall): Promise<Stale | null> {
    const { hits, compression, nextMoment, remote } = this.parts;
    const { key, region } = call;
    const sentAt = nextMoment();
    const found = await remote.read(
      { key, region: region.name, binary: region.readsBytes },
      { judge: (read) => this.staleIn(call, read), found: (seen) => seen, failed: rethrow },
    );
    return (
      found && hits.stale(call, await decompressed(call.region, found.entry, compression), found.nowMicros, sentAt)
    );
  }

  judge(call: EntryCall, ticket: Ticket, read: PlainRead, sentAt: number): Verdict {
    const verdict = this.verdictOf(call, ticket, read, sentAt);
    // a load may follow, also where the server grants no lease
    if (typeof verdict !== 'object' && read.identified && read.position !== null)
      this.parts.coherence.view(call.key.bucket).require(read.position);
    return verdict;
  }

  private verdictOf(call: EntryCall, ticket: Ticket, read: PlainRead, sentAt: number): Verdict {
    const { coherence, clock } = this.parts;
    const { key, region } = call;
    const { entry } = read;
    if (read.foreign) {
      region.counts.decodeFailures += 1;
      return 'undecided';
    }
    const nowMs = clock.now();
    const nowMicros = coherence.serverNowMicros(key.bucket, nowMs);
    const view = coherence.view(key.bucket);
    if (nowMicros === null || !view.trusts(read)) return 'undecided';
    if (entry === null) return 'absent';
    if (!view.admits(entry, region.name)) return 'undecided';
    const freshMs = (entry.freshUntilMicros - nowMicros) / 1_000;
    if (freshMs <= 0) return 'past';
    if (isCompressed(entry.format)) {
      if (isMangled(region, entry)) return 'undecided';
      return { decoded: null, entry, position: read.position!, at: sentAt, nowMs, freshMs };
    }
    return this.parts.hits.hit(call, ticket, read.position!, entry, sentAt, nowMs, freshMs) ?? 'undecodable';
  }

  /** By the rules of `judge`. */
  private staleIn(call: EntryCall, { entry, ...read }: PlainRead): { entry: StoredEntry; nowMicros: number } | null {
    const { coherence, clock } = this.parts;
    const { key, region } = call;
    const nowMicros = coherence.serverNowMicros(key.bucket, clock.now());
    const view = coherence.view(key.bucket);
    if (nowMicros === null || entry === null || read.foreign || !view.trusts({ entry, ...read })) return null;
    return view.admits(entry, region.name) && !isMangled(region, entry) ? { entry, nowMicros } : null;
  }
}

/** One look: what is read, and what becomes of it. */
class Look<T> implements ReadArgs, PlainLooker<Verdict, T> {
  constructor(
    private readonly plain: PlainLook,
    private readonly call: EntryCall,
    private readonly ticket: Ticket,
    private readonly sentAt: number,
    private readonly follower: Follower<T>,
  ) {}

  get key(): CacheKey {
    return this.call.key;
  }

  get region(): string {
    return this.call.region.name;
  }

  get binary(): boolean {
    return this.call.region.readsBytes;
  }

  judge(read: PlainRead): Verdict {
    return this.plain.judge(this.call, this.ticket, read, this.sentAt);
  }

  found(verdict: Verdict): T {
    return this.follower.found(verdict);
  }

  failed(error: CacheError): T {
    return this.follower.failed(error);
  }
}

keepShape(new Look(null!, null!, null!, 0, null!));

export function rethrow(error: CacheError): never {
  throw error;
}
