import type { Wanted } from '../cache/eviction-group.js';
import type { CacheWriter } from '../cache/writer.js';
import { checkTags } from '../entries/tags.js';
import { canonicalVersion } from '../entries/version.js';
import type { CacheKey } from '../keys/cache-key.js';
import { dropPromise, optionFailure } from '../shared/option-function.js';
import type { EvictStep } from './call-steps.js';

/** An eviction that is to happen, with its keys. */
export interface PlannedEviction {
  readonly step: EvictStep;
  readonly keys: readonly CacheKey[];
}

/**
 * The evictions of one moment of a call, as one group per cache. Option functions are asked once, when the result is
 * there; where one fails, everything else is evicted all the same, and `error` says why.
 */
export class LateEvictions {
  /** Of the first option function that failed; undefined: none did. */
  error: unknown = undefined;
  private told: Map<CacheWriter, Wanted[]> | null = null;

  constructor(
    private readonly evictions: readonly PlannedEviction[],
    private readonly args: readonly unknown[],
  ) {}

  get areNone(): boolean {
    return this.evictions.length === 0;
  }

  /** They were asked for: they are on their way. */
  get areTold(): boolean {
    return this.told !== null || this.areNone;
  }

  /** Of the caches that are concerned. */
  get writers(): CacheWriter[] {
    return [...new Set(this.evictions.map(({ step }) => step.region.writer))];
  }

  of(writer: CacheWriter, result: unknown): readonly Wanted[] {
    this.told ??= this.tell(result);
    return this.told.get(writer) ?? [];
  }

  private tell(result: unknown): Map<CacheWriter, Wanted[]> {
    const told = new Map<CacheWriter, Wanted[]>();
    for (const { step, keys } of this.evictions) {
      const { region, cache, tags, clears } = step;
      const wanted = told.get(region.writer) ?? [];
      told.set(region.writer, wanted);
      if (keys.length > 0) wanted.push(...region.wantedKeys(keys, this.versionOf(step, result)));
      if (tags !== null) wanted.push(...cache.wantedTags(this.tagsOf(step, result)));
      if (clears) wanted.push(region.wantedClear());
    }
    return told;
  }

  /** Without a usable version the entry is evicted whatever its version, which is never wrong. */
  private versionOf({ version, where }: EvictStep, result: unknown): string {
    if (!version) return '';
    try {
      const given: unknown = version(result, ...this.args);
      dropPromise(given);
      return canonicalVersion(given, where);
    } catch (cause) {
      this.error ??= optionFailure('version', `@CacheEvict on ${where}`, 'after', cause);
      return '';
    }
  }

  private tagsOf({ tags, where }: EvictStep, result: unknown): readonly string[] {
    const place = `@CacheEvict on ${where}`;
    try {
      const given: unknown = typeof tags === 'function' ? tags(result, ...this.args) : tags;
      dropPromise(given);
      return checkTags(given, place);
    } catch (cause) {
      this.error ??= optionFailure('tags', place, 'after', cause);
      return [];
    }
  }
}
