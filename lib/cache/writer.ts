import type { CacheKey } from '../keys/cache-key.js';
import { CacheError } from '../shared/errors.js';
import type { Mark } from '../stores/channel.js';
import { Acknowledgement } from './acknowledgement.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import type { PendingEviction } from './eviction-journal.js';
import type { LoadScope } from './load-scopes.js';
import { prepare } from './prepared-value.js';
import type { RegionState } from './region-state.js';

/** A fence that was asked for. It may stand even when Redis did not answer, so it is always lifted by its token. */
interface Fence {
  readonly token: string;
  /** Redis acknowledged it. */
  readonly isAcknowledged: boolean;
}

/** Keys in one call of EVICT: the server runs nothing else meanwhile. */
const KEYS_PER_CALL = 500;

/** What to do when Redis does not acknowledge. */
export interface FailurePolicy {
  readonly onEvictFailure: 'journal' | 'throw';
  readonly onFenceFailure: 'refuse' | 'run';
}

/**
 * Evictions, puts and fenced writes (PROTOCOL 8).
 *
 * An operation that Redis did not acknowledge becomes an eviction in the journal: the cache is then empty at that key in the end,
 * never wrong.
 */
export class Writer {
  private readonly writing = new Set<Promise<unknown>>();
  private readonly acknowledgement: Acknowledgement;

  constructor(
    private readonly engine: Engine,
    private readonly failure: FailurePolicy,
  ) {
    this.acknowledgement = new Acknowledgement(engine, failure.onEvictFailure);
  }

  /** Resolves when acknowledged, or (journal) when it was queued because Redis did not answer. */
  evict(region: RegionState, keys: readonly CacheKey[], version = ''): Promise<void> {
    return this.tracked(this.runEvict(region, keys, version));
  }

  private async runEvict(region: RegionState, keys: readonly CacheKey[], version: string): Promise<void> {
    const { tombstoneMs } = region.options;
    await this.acknowledgement.of(
      region,
      keys.map((key) => ({ kind: 'key', key, version, tombstoneMs, fences: [] })),
      () => this.sendEvict(keys, version, tombstoneMs),
    );
    region.counts.evictions += keys.length;
  }

  /** Voids everything that carries the mark, in every bucket. Resolves as `evict`. */
  stamp(mark: Mark, region: RegionState | null): Promise<void> {
    return this.tracked(this.runStamp(mark, region));
  }

  private async runStamp(mark: Mark, region: RegionState | null): Promise<void> {
    const pending = await Promise.all(
      Array.from({ length: this.engine.remote.bucketCount }, (_, bucket) =>
        this.acknowledgement.orQueued(region, [{ kind: 'mark', mark, bucket }], () => this.sendStamp(mark, bucket)),
      ),
    );
    this.acknowledgement.throwIfAsked(pending.find((error) => error !== null) ?? null);
  }

  /** The journal's delivery: one eviction, once. Rejects when it was not acknowledged. */
  async deliver(eviction: PendingEviction): Promise<void> {
    if (eviction.kind === 'mark') return this.sendStamp(eviction.mark, eviction.bucket);
    const { key, version, tombstoneMs, fences } = eviction;
    if (fences.length === 0) return this.sendEvict([key], version, tombstoneMs);
    await Promise.all(fences.map((fence) => this.sendUnfence(key, fence, tombstoneMs)));
  }

  /** FENCE, then `run`, then UNFENCE, for every key (strict evict). @throws CacheError RC_FENCE_FAILED */
  evictStrict(region: RegionState, keys: readonly CacheKey[], run: () => Promise<unknown>): Promise<unknown> {
    return this.tracked(this.runStrict(region, keys, run));
  }

  private async runStrict(
    region: RegionState,
    keys: readonly CacheKey[],
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    const fences = await Promise.all(keys.map((key) => this.fence(region, key)));
    if (this.failure.onFenceFailure === 'refuse' && !fences.every(({ isAcknowledged }) => isAcknowledged)) {
      // in the background: the caller has waited long enough
      this.engine.background.run(this.unfenceAll(region, keys, fences));
      throw new CacheError(
        'RC_FENCE_FAILED',
        `A strict eviction in region "${region.name}" was refused before its method ran: Redis did not acknowledge the fence. ` +
          `Try again when Redis answers, or set onFenceFailure: 'run' to run the method and evict after it.`,
      );
    }
    let result: unknown;
    try {
      result = await run();
    } catch (error) {
      // the write may have reached the source all the same
      await this.unfenceAll(region, keys, fences);
      throw error;
    }
    this.acknowledgement.throwIfAsked(await this.unfenceAll(region, keys, fences));
    region.counts.evictions += keys.length;
    return result;
  }

  /**
   * Write-through: the source first, then the cache. Versioned when the policy has a version and the region no tags, else fenced.
   * A value that cannot be cached, or a failing write, leaves the key absent.
   */
  writeThrough(call: EntryCall, write: () => Promise<unknown>): Promise<unknown> {
    return this.tracked(this.runWriteThrough(call, write));
  }

  private async runWriteThrough(call: EntryCall, write: () => Promise<unknown>): Promise<unknown> {
    const { region, key, policy } = call;
    const { scopes } = this.engine;
    const outer = scopes.current();
    const { moment } = scopes;
    if (policy.tags) region.usesTags = true;
    const isFenced = policy.version === null || region.usesTags;
    const fence = isFenced ? await this.fence(region, key) : null;
    const scope = this.scopeOf(key, fence, outer);
    let result: unknown;
    try {
      result = await scopes.run(scope, write);
    } catch (error) {
      // the write may have reached the source all the same
      await this.unfenceAll(region, [key], [fence]);
      throw error;
    } finally {
      scopes.ended(scope);
    }
    if (scope.isTainted) scopes.taint(outer, moment);
    await this.putResult(call, fence, scope.isTainted ? undefined : result);
    return result;
  }

  /** What the method of a write-through reads through a cache must be as current as what a load reads (R18). */
  private scopeOf(key: CacheKey, fence: Fence | null, outer: LoadScope | undefined): LoadScope {
    const { scopes, coherence, clock, localTier } = this.engine;
    // without a fence no position says up to where L1 must be current
    if (fence === null && localTier !== null) scopes.admitOnly();
    return {
      isTainted: false,
      beganAtMs: clock.now(),
      held: fence?.isAcknowledged ? coherence.view(key.bucket) : null,
      flight: outer?.flight ?? null,
    };
  }

  /** A versioned put of a value the caller has. @throws CacheError RC_PUT_UNSAFE in a region with tags */
  async put(call: EntryCall, value: unknown): Promise<void> {
    const { region } = call;
    if (region.usesTags || call.policy.tags) {
      throw new CacheError(
        'RC_PUT_UNSAFE',
        `put in region "${region.name}", which uses tags, could overwrite a tag eviction that ran since the value was read. ` +
          `Use write(key, () => …), which fences the key first, or evict(key).`,
      );
    }
    await this.tracked(this.putResult(call, null, value));
  }

  /** Resolves when no write is under way. */
  async settled(): Promise<void> {
    while (this.writing.size > 0) await Promise.allSettled(this.writing);
  }

  /** Closing waits for it. */
  tracked<T>(writing: Promise<T>): Promise<T> {
    const tracked = writing.finally(() => this.writing.delete(tracked));
    this.writing.add(tracked);
    return tracked;
  }

  /** @param fence null for a versioned put */
  private async putResult(call: EntryCall, fence: Fence | null, value: unknown): Promise<void> {
    const { engine } = this;
    const { region, key } = call;
    const prepared = value === undefined ? null : prepare(call, value, engine.random);
    const entry = prepared?.entry ?? null;
    const isPuttable = fence === null ? entry?.version !== '' : fence.isAcknowledged;
    if (entry === null || !isPuttable)
      return this.acknowledgement.throwIfAsked(await this.unfenceAll(region, [key], [fence]));
    const token = fence?.token ?? '';
    await this.acknowledgement.of(region, [this.evictionOf(region, key, fence)], async () => {
      const { tombstoneMs } = region.options;
      const args = { key, region: region.name, fence: token, tombstoneMs, ...entry, loadMicros: 0 };
      const outcome = await engine.remote.put(args);
      if (outcome.kind === 'refused') region.counts.putsRefused += 1;
      else region.counts.puts += 1;
    });
  }

  private async fence(region: RegionState, key: CacheKey): Promise<Fence> {
    const token = this.engine.nextToken();
    const { fenceMs, tombstoneMs } = region.options;
    try {
      await this.engine.remote.fence({ keys: [key], fence: token, fenceMs, tombstoneMs });
      return { token, isAcknowledged: true };
    } catch {
      region.counts.fencesFailed += 1;
      return { token, isAcknowledged: false };
    }
  }

  /**
   * Ends fences, and evicts their keys; a key without a fence (null) is evicted alone. What Redis does not acknowledge is queued; returns why, for
   * the caller who has no error of its own to throw.
   */
  private async unfenceAll(
    region: RegionState,
    keys: readonly CacheKey[],
    fences: readonly (Fence | null)[],
  ): Promise<CacheError | null> {
    const { tombstoneMs } = region.options;
    const pending = await Promise.all(
      keys.map((key, n) =>
        this.acknowledgement.orQueued(region, [this.evictionOf(region, key, fences[n] ?? null)], async () => {
          const fence = fences[n] ?? null;
          if (fence === null) await this.sendEvict([key], '', tombstoneMs);
          else await this.sendUnfence(key, fence.token, tombstoneMs);
        }),
      ),
    );
    return pending.find((error) => error !== null) ?? null;
  }

  private async sendEvict(keys: readonly CacheKey[], version: string, tombstoneMs: number): Promise<void> {
    const byBucket = new Map<number, CacheKey[]>();
    for (const key of keys) {
      const others = byBucket.get(key.bucket);
      if (others) others.push(key);
      else byBucket.set(key.bucket, [key]);
    }
    await Promise.all(
      [...byBucket.values()].map(async (keysOfBucket) => {
        for (let from = 0; from < keysOfBucket.length; from += KEYS_PER_CALL) {
          const some = keysOfBucket.slice(from, from + KEYS_PER_CALL);
          await this.engine.remote.evict({ keys: some, versions: some.map(() => version), tombstoneMs });
        }
      }),
    );
  }

  private async sendUnfence(key: CacheKey, fence: string, tombstoneMs: number): Promise<void> {
    await this.engine.remote.unfence({ keys: [key], fence, tombstoneMs });
  }

  private async sendStamp(mark: Mark, bucket: number): Promise<void> {
    await this.engine.remote.stamp({ bucket, marks: [mark] });
  }

  private evictionOf(region: RegionState, key: CacheKey, fence: Fence | null): PendingEviction {
    const { tombstoneMs } = region.options;
    return { kind: 'key', key, version: '', tombstoneMs, fences: fence === null ? [] : [fence.token] };
  }
}
