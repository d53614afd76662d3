import type { CacheKey } from '../keys/cache-key.js';
import { CacheError } from '../shared/errors.js';
import { CallWrites, type GivenValue, type PlannedWrites } from './call-writes.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import { groupOf, type Wanted } from './eviction-group.js';
import { endByPolicy, type EvictionOutcome, type QueuedPolicy } from './evictions.js';
import type { LoadScope } from './load-scopes.js';
import { putUnsafe } from './put-unsafe.js';
import type { RegionState } from './region-state.js';

/** Whether anything is written, and what to do when Redis does not acknowledge. */
export interface FailurePolicy extends QueuedPolicy {
  /** False: the cache is off; methods run, and nothing else is done. */
  readonly enabled: boolean;
  readonly onFenceFailure: 'refuse' | 'run';
}

/** What a call writes. */
export interface WritePlan extends PlannedWrites {
  /** What is evicted when the method has returned. Never throws. */
  readonly after: (result: unknown) => readonly Wanted[];
  /** What is evicted when it threw, with what is fenced. Never throws. */
  readonly afterError?: (error: unknown) => readonly Wanted[];
  /** Values to put besides, when the method has returned. Never throws. */
  readonly given?: () => readonly GivenValue[];
}

/** The writer of a cache, as its callers see it. */
export type CacheWriter = Pick<Writer, keyof Writer>;

const NOTHING = (): readonly Wanted[] => [];

/**
 * Evictions, puts and fenced writes (PROTOCOL 8).
 *
 * An operation that Redis did not acknowledge becomes an eviction in the journal: the cache is then empty at that key
 * in the end, never wrong.
 */
export class Writer {
  private readonly writing = new Set<Promise<unknown>>();

  constructor(
    private readonly engine: Engine,
    private readonly failure: FailurePolicy,
  ) {}

  /** Resolves when acknowledged, or (journal) when it was queued because Redis did not answer. */
  async evict(region: RegionState, keys: readonly CacheKey[], version = ''): Promise<void> {
    await this.evictAll(keys.map((key) => ({ kind: 'key', region, key, version })));
  }

  /**
   * Everything in one group. Resolves as `evict`.
   *
   * @throws CacheError RC_EVICTION_PENDING (`throw`, `block`), RC_CLOSED
   */
  async evictAll(wanted: readonly Wanted[], onEvictFailure = this.failure.onEvictFailure): Promise<void> {
    await this.endOf([await this.send(wanted)], onEvictFailure);
  }

  /** As `evictAll`, for callers who decide themselves. Never rejects. */
  send(wanted: readonly Wanted[]): Promise<EvictionOutcome> {
    if (!this.failure.enabled) return Promise.resolve({ kind: 'acknowledged' });
    const { evictions, remote } = this.engine;
    return this.tracked(evictions.evict(groupOf(wanted, remote.bucketCount)));
  }

  /**
   * Write-through: the source first, then the cache. Versioned when the policy has a version and the region no tags,
   * else fenced. A value that cannot be cached, or a failing write, leaves the key absent.
   */
  writeThrough(call: EntryCall, write: () => Promise<unknown>): Promise<unknown> {
    return this.writeAll({ strict: [], puts: [call], evictsNothing: true, after: NOTHING }, write);
  }

  /**
   * One call of a method and everything that it writes. What is evicted goes as one group; fences and puts end after it
   * was acknowledged, so that nothing of the call is made of what it replaces. Whatever fails, the rest is sent, or
   * queued, before it throws.
   *
   * @throws CacheError RC_FENCE_FAILED, before `run`
   */
  writeAll(plan: WritePlan, run: () => Promise<unknown>): Promise<unknown> {
    if (!this.failure.enabled) return run();
    return this.tracked(this.runWrites(plan, run));
  }

  private async runWrites(plan: WritePlan, run: () => Promise<unknown>): Promise<unknown> {
    const { scopes } = this.engine;
    const outer = scopes.current();
    const { moment } = scopes;
    for (const { region, policy } of plan.puts) if (policy.tags) region.usesTags = true;
    const writes = new CallWrites(this.engine, plan);
    await writes.begin();
    if (this.failure.onFenceFailure === 'refuse' && !writes.isFenced) {
      // in the background: the caller has waited long enough
      this.engine.background.run(writes.abandon());
      throw fenceFailed(plan.strict.map(({ region }) => region.name));
    }
    const scope = plan.puts.length > 0 ? this.scopeOf(writes, outer, isPartOfMore(plan)) : null;
    let result: unknown;
    try {
      result = scope === null ? await run() : await scopes.run(scope, run);
    } catch (error) {
      // the write may have reached the source all the same
      await writes.abandon(plan.afterError?.(error));
      throw error;
    } finally {
      if (scope) scopes.ended(scope);
    }
    const isTainted = scope?.isTainted ?? false;
    if (isTainted) scopes.taint(outer, moment);
    await this.endOf(await writes.end(result, plan.after(result), { isTainted, given: plan.given?.() ?? [] }));
    return result;
  }

  /** What the method of a write-through reads through a cache must be as current as what a load reads (R18). */
  private scopeOf(writes: CallWrites, outer: LoadScope | undefined, takesLoadsOnly: boolean): LoadScope {
    const { scopes, coherence, clock, localTier } = this.engine;
    const bucket = writes.fencedBucket;
    // without a fence no position says up to where L1 must be current
    if (takesLoadsOnly || (writes.isUnfenced && localTier !== null)) scopes.admitOnly();
    return {
      isTainted: false,
      beganAtMs: clock.now(),
      held: bucket === null ? null : coherence.view(bucket),
      flight: outer?.flight ?? null,
      takesLoadsOnly: takesLoadsOnly || (outer?.takesLoadsOnly ?? false),
      within: outer,
    };
  }

  /** A versioned put of a value the caller has. @throws CacheError RC_PUT_UNSAFE in a region with tags */
  async put(call: EntryCall, value: unknown): Promise<void> {
    const { region } = call;
    if (region.usesTags || call.policy.tags) throw putUnsafe(call);
    if (this.failure.enabled) await this.tracked(this.putValue(call, value));
  }

  /**
   * As `put`, for callers who decide themselves; where a put without a fence is not safe, the key is evicted instead.
   * Never rejects.
   *
   * @param call with a version in its policy
   */
  async sendPut(call: EntryCall, value: unknown): Promise<EvictionOutcome> {
    const { region, key, policy } = call;
    if (region.usesTags || policy.tags) return this.send([{ kind: 'key', region, key, version: '' }]);
    if (!this.failure.enabled) return { kind: 'acknowledged' };
    const writes = new CallWrites(this.engine, { strict: [], puts: [call], evictsNothing: true });
    const [outcome] = await this.tracked(writes.end(value, []));
    return outcome!;
  }

  private async putValue(call: EntryCall, value: unknown): Promise<void> {
    const writes = new CallWrites(this.engine, { strict: [], puts: [call], evictsNothing: true });
    await this.endOf(await writes.end(value, []));
  }

  private endOf(outcomes: readonly EvictionOutcome[], onEvictFailure = this.failure.onEvictFailure): Promise<void> {
    return endByPolicy(outcomes, { ...this.failure, onEvictFailure }, this.engine.clock);
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
}

/** The call voids entries that its puts are not. */
function isPartOfMore({ strict, puts, evictsNothing }: WritePlan): boolean {
  return !evictsNothing || strict.length > 0 || puts.length > 1;
}

function fenceFailed(regions: readonly string[]): CacheError {
  return new CacheError(
    'RC_FENCE_FAILED',
    `A strict eviction in region "${[...new Set(regions)].join('", "')}" was refused before its method ran: Redis did not acknowledge the fence. ` +
      `Try again when Redis answers, or set onFenceFailure: 'run' to run the method and evict after it.`,
  );
}
