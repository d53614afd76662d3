import type { CacheError } from '../shared/errors.js';
import { keepShape } from '../shared/keep-shape.js';
import { type PutOutcome, StoreRefusal } from '../stores/remote-store.js';
import { byBucket, CallFences, type FencedKey, longest } from './call-fences.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import { type EvictionGroup, groupOf, type Wanted } from './eviction-group.js';
import type { EvictionOutcome } from './evictions.js';
import { chunksOf } from './per-call.js';
import { prepare, type PreparedValue } from './prepared-value.js';

type Entry = NonNullable<PreparedValue['entry']>;

/** One end of a fence: it stood until then, or it may not have, or (an error) Redis did not say. */
type Ended = 'stood' | 'lost' | { readonly bucket: number; readonly error: CacheError };

/** A versioned put of a value that the caller has. */
export interface GivenValue {
  readonly call: EntryCall;
  readonly value: unknown;
  /** Canonical. */
  readonly version: string;
}

/** What a call of a method, or `region.write`, writes. */
export interface PlannedWrites {
  /** Strict evictions: fenced while the method runs, evicted after it, also when it throws. */
  readonly strict: readonly FencedKey[];
  readonly puts: readonly EntryCall[];
  /** True when the call evicts nothing besides. */
  readonly evictsNothing: boolean;
}

const ACKNOWLEDGED: EvictionOutcome = { kind: 'acknowledged' };

/**
 * The writes of one call, from its fences to their ends.
 *
 * A fenced key is gone, and comes back only when its fence ends: so it takes part in the call's group of evictions by
 * merely standing, until the group is acknowledged. A key whose fence may not have stood all the time goes into the
 * group itself.
 */
export class CallWrites {
  private readonly fences: CallFences;
  private readonly strict = new Map<string, FencedKey>();
  private readonly puts = new Map<string, EntryCall>();
  /** A versioned put that needs no fence, since it is all that the call writes. */
  private readonly unfenced: EntryCall | null;

  constructor(
    private readonly engine: Engine,
    { strict, puts, evictsNothing }: PlannedWrites,
  ) {
    for (const one of strict) this.strict.set(one.key.entry, one);
    const [put] = puts;
    const isAlone = puts.length === 1 && strict.length === 0 && evictsNothing;
    this.unfenced = isAlone && put!.policy.version !== null && !put!.region.usesTags ? put! : null;
    if (this.unfenced === null) {
      // what is both put and strictly evicted is evicted
      for (const call of puts) if (!this.strict.has(call.key.entry)) this.puts.set(call.key.entry, call);
    }
    this.fences = new CallFences(engine.remote, engine.nextToken(), [...this.strict.values(), ...this.puts.values()]);
  }

  /** Sets the fences. Never rejects. */
  begin(): Promise<void> {
    return this.fences.set();
  }

  /** Redis acknowledged the fences of all strict evictions; a region that is switched off stops no write. */
  get isFenced(): boolean {
    return [...this.strict.values()].every(({ key, region }) => region.isOff || this.fences.isAcknowledged(key));
  }

  /** A versioned put without a fence. */
  get isUnfenced(): boolean {
    return this.unfenced !== null;
  }

  /** The one bucket in which all is fenced, acknowledged; null: several, or none. */
  get fencedBucket(): number | null {
    const [first, ...others] = this.fences.keys;
    if (first === undefined || !this.fences.isAcknowledged(first.key)) return null;
    return others.every(({ key }) => key.bucket === first.key.bucket) ? first.key.bucket : null;
  }

  /** The method threw, or was not run: all that it may have written is evicted. Never rejects. */
  async abandon(besides: readonly Wanted[] = []): Promise<void> {
    await this.evict([...besides, ...(this.unfenced ? [evictionOf(this.unfenced)] : this.fencedKeys)]);
  }

  /**
   * The method returned: what it evicts goes first, as one group, then fences end. Never rejects.
   *
   * @param after what the call evicts besides
   * @param given values to be put besides: their keys go with the group, up to their versions
   * @param isTainted the method was given what may be old: nothing of it is put, but evicted
   */
  async end(
    result: unknown,
    evicted: readonly Wanted[],
    { isTainted = false, given = [] }: { isTainted?: boolean; given?: readonly GivenValue[] } = {},
  ): Promise<EvictionOutcome[]> {
    if (isTainted) result = undefined;
    if (this.unfenced) return [await this.putUnfenced(this.unfenced, result)];
    const isAlone = given.length === 1 && evicted.length + this.fences.keys.length === 0;
    if (isAlone && !given[0]!.call.region.usesTags) return [await this.putUnfenced(given[0]!.call, given[0]!.value)];
    const after = [...evicted, ...given.map(evictionUpTo)];
    const isFenced = ({ key }: FencedKey) => this.fences.isAcknowledged(key);
    // a fence that nobody knows of keeps no old value away: such keys go with the group
    const loose = this.fences.keys.filter((one) => !isFenced(one)).map((one) => this.fences.wanted(one));
    const first = await this.evict([...after, ...loose], () => this.group([...after, ...this.fencedKeys]));
    if (first.kind !== 'acknowledged') return [first];
    const ended = await Promise.all([
      ...[...this.puts.values()].filter(isFenced).map((call) => this.putFenced(call, result)),
      ...[...byBucket([...this.strict.values()].filter(isFenced))].map(([bucket, keys]) => this.unfence(bucket, keys)),
    ]);
    // an old value may have come back where a fence was lost, or may have been, and others of the call may be made of
    // it
    const whole = [...after, ...this.fencedKeys];
    const unanswered = new Map(ended.flatMap((end) => (typeof end === 'object' ? [[end.bucket, end.error]] : [])));
    if (unanswered.size > 0) return [this.engine.evictions.queue(this.group(whole), unanswered)];
    const isLost = whole.length > 1 && ended.includes('lost');
    if (isLost) return [await this.evict(whole)];
    const puts = given.filter(({ call }) => !call.region.usesTags && !this.strict.has(call.key.entry));
    return [ACKNOWLEDGED, ...(await Promise.all(puts.map(({ call, value }) => this.putUnfenced(call, value))))];
  }

  private async unfence(bucket: number, keys: readonly FencedKey[]): Promise<Ended> {
    const { remote } = this.engine;
    const fence = this.fences.token;
    const tombstoneMs = longest(keys, 'tombstoneMs');
    const lift = async (some: readonly FencedKey[]) => {
      const { stood } = await remote.unfence({ keys: some.map(({ key }) => key), fence, tombstoneMs });
      for (const { region } of some) region.counts.evictions += 1;
      return stood;
    };
    try {
      const stood = await Promise.all(chunksOf(keys).map(lift));
      return stood.includes(false) ? 'lost' : 'stood';
    } catch (error) {
      return { bucket, error: error as CacheError };
    }
  }

  private async putFenced(call: EntryCall, result: unknown): Promise<Ended> {
    const { key } = call;
    const entry = await this.entryOf(call, result);
    try {
      const kind = entry && (await this.put(call, entry, this.fences.token));
      // refused: its fence may have been lost
      if (kind !== null) return kind === 'refused' ? 'lost' : 'stood';
    } catch (error) {
      return { bucket: key.bucket, error: error as CacheError };
    }
    return this.unfence(key.bucket, [call]);
  }

  private async putUnfenced(call: EntryCall, result: unknown): Promise<EvictionOutcome> {
    const entry = await this.entryOf(call, result);
    const instead = [evictionOf(call)];
    try {
      const kind = entry && entry.version !== '' && (await this.put(call, entry, ''));
      return kind ? ACKNOWLEDGED : await this.evict(instead);
    } catch (error) {
      const failure = new Map([[call.key.bucket, error as CacheError]]);
      return this.engine.evictions.queue(this.group(instead), failure);
    }
  }

  /** Null: Redis is full, and nothing was done. @throws CacheError */
  private async put(call: EntryCall, entry: Entry, fence: string): Promise<PutOutcome['kind'] | null> {
    const { remote, fullServer } = this.engine;
    const { region, key } = call;
    const { tombstoneMs } = region.options;
    try {
      const { payload, format, ttlMs, staleMs, tags, version } = entry;
      // one by one: of a spread no place keeps the layout (decision 0067)
      const args = {
        key,
        region: region.name,
        fence,
        tombstoneMs,
        payload,
        format,
        ttlMs,
        staleMs,
        tags,
        loadMicros: 0,
        version,
      };
      const reply = await remote.put(args);
      if (reply.kind === 'refused') region.counts.putsRefused += 1;
      else region.counts.puts += 1;
      return reply.kind;
    } catch (error) {
      if (!(error instanceof StoreRefusal)) throw error;
      fullServer.refused(error);
      region.counts.putsRefused += 1;
      return null;
    }
  }

  /** Null: not to be cached. */
  private async entryOf(call: EntryCall, result: unknown): Promise<Entry | null> {
    if (result === undefined || call.region.isPast(call.key)) return null;
    return (await prepare(call, result, this.engine))?.entry ?? null;
  }

  private get fencedKeys(): Wanted[] {
    return this.fences.keys.map((one) => this.fences.wanted(one));
  }

  private evict(wanted: readonly Wanted[], whole?: () => EvictionGroup): Promise<EvictionOutcome> {
    return this.engine.evictions.evict(this.group(wanted), whole);
  }

  private group(wanted: readonly Wanted[]): EvictionGroup {
    return groupOf(wanted, this.engine.remote.bucketCount);
  }
}

keepShape(new CallWrites({ nextToken: () => '' } as Engine, { strict: [], puts: [], evictsNothing: true }));

/** Whatever version stands. */
export function evictionOf({ region, key }: EntryCall): Wanted {
  return { kind: 'key', region, key, version: '' };
}

/** Where a tag came into use meanwhile, the value is not put, and must not stand either. */
function evictionUpTo({ call: { region, key }, version }: GivenValue): Wanted {
  return { kind: 'key', region, key, version: region.usesTags ? '' : version };
}
