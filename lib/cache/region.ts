import type { CacheKey } from '../keys/cache-key.js';
import { identifiersOfPath, isHashed } from '../keys/key-path.js';
import { hashedIdentifier, type Keyspace } from '../keys/keyspace.js';
import type { ResolvedRegionOptions } from '../options/resolved-options.js';
import { apart } from '../shared/apart.js';
import type { LocalEntry } from '../stores/local-store.js';
import type { CallMode } from './call-modes.js';
import type { FencedKey } from './call-fences.js';
import type { Engine } from './engine.js';
import { type EntryCall, ReadCall } from './entry-call.js';
import type { Wanted } from './eviction-group.js';
import type { EvictionOutcome } from './evictions.js';
import type { LoadContext } from './load-context.js';
import type { LocalTier } from './local-tier.js';
import type { ReadPolicy } from './read-policy.js';
import { type Asked, type OnReport, takeListener, tell } from './read-report.js';
import type { Reader } from './reader.js';
import type { Refreshes } from './refreshes.js';
import type { RegionState } from './region-state.js';
import type { CacheWriter } from './writer.js';

type Args = readonly unknown[];

const resolved = (value: unknown) => Promise.resolve(value);

/** L1 has no value for this caller. */
export const NOTHING = Symbol('nothing');

/**
 * A region as the doors of the library use it: decorators, calls by hand, and what else reads and evicts. Keys and
 * options are checked and resolved before; nothing here is public.
 */
export interface Region {
  readonly name: string;
  readonly options: ResolvedRegionOptions;
  /** The key of an identifier that is escaped already. */
  keyOf(identifier: string): CacheKey;
  /**
   * The keys that a path after the region's name may mean, as somebody else wrote it: escaped or not, with the
   * attribute or without.
   */
  keysOfPath(path: string): CacheKey[];
  /** Read-through. */
  read(
    key: CacheKey,
    policy: ReadPolicy,
    args: Args,
    load: (context: LoadContext) => Promise<unknown>,
    asked?: Asked,
  ): Promise<unknown>;
  /** As `read`, for callers for whom `answerLocal` had nothing: does not ask L1 again. */
  readBehind(
    key: CacheKey,
    policy: ReadPolicy,
    args: Args,
    load: (context: LoadContext) => Promise<unknown>,
    asked?: Asked,
  ): Promise<unknown>;
  /** The fresh value, or undefined; loads nothing. @param report gets how it was answered, if it was */
  peek(key: CacheKey, policy: ReadPolicy, report?: OnReport): Promise<unknown>;
  /**
   * A promise of what L1 has for one caller, counted as a hit: the cheapest answer there is, since all get the same
   * promise of a value that they share. Null: L1 has nothing, or the hit may be one that refreshes early; then
   * `readBehind` goes on.
   */
  answerLocal(key: CacheKey, policy: ReadPolicy): Promise<unknown> | null;
  /** What L1 has for one caller, counted as a hit, or NOTHING. */
  takeLocal(key: CacheKey, policy: ReadPolicy, report?: OnReport): unknown;
  writeThrough(key: CacheKey, policy: ReadPolicy, args: Args, write: () => Promise<unknown>): Promise<unknown>;
  /** @throws CacheError RC_PUT_UNSAFE */
  put(key: CacheKey, policy: ReadPolicy, value: unknown): Promise<void>;
  /** Resolves when acknowledged, or queued. */
  evictKeys(keys: readonly CacheKey[], options?: { version?: string }): Promise<void>;
  /** Writes and evicts for every region of the cache. */
  readonly writer: CacheWriter;
  /** What a call evicts by keys. */
  wantedKeys(keys: readonly CacheKey[], version?: string, isSoft?: boolean): Wanted[];
  /** The region's clear. */
  wantedClear(): Wanted;
  /** A strict eviction's keys. */
  fencedKeys(keys: readonly CacheKey[]): FencedKey[];
  /** A versioned put of a value that came from elsewhere; never rejects. */
  sendPut(key: CacheKey, policy: ReadPolicy, value: unknown): Promise<EvictionOutcome>;
  /** One call that puts its result. */
  entryCall(key: CacheKey, policy: ReadPolicy, args: Args): EntryCall;
  clear(): Promise<void>;
  /** Closing waits for this write. */
  tracked<W>(writing: Promise<W>): Promise<W>;
  /** Some operation gives this region's entries tags: versioned puts are fenced from now on. */
  declareTags(): void;
  /** `condition` was false. */
  countBypass(): void;
  /** The kill switch. */
  isOff: boolean;
}

/** The region of an engine. */
export class EngineRegion implements Region {
  readonly keyOf: (identifier: string) => CacheKey;
  /**
   * L1 as every call may use it. Null: there is none, it is switched off, or somebody reads past it, so that each call
   * is asked.
   */
  private localTier: LocalTier | null;

  constructor(
    private readonly state: RegionState,
    private readonly parts: Pick<Engine, 'localTier' | 'journal' | 'modes' | 'scopes' | 'clock'> & {
      readonly reader: Reader;
      readonly writer: CacheWriter;
      readonly refreshes: Refreshes;
      readonly keyspace: Keyspace;
      /** False: the cache is off. */
      readonly isEnabled: boolean;
    },
  ) {
    this.localTier = parts.localTier;
    const keyOf = parts.keyspace.keysOf(state.name, state.options.attribute);
    this.keyOf = state.options.keys === 'hashed' ? (identifier) => keyOf(hashedIdentifier(identifier)) : keyOf;
  }

  get name(): string {
    return this.state.name;
  }

  keysOfPath(path: string): CacheKey[] {
    const { attribute } = this.options;
    const paths = path.endsWith(`:${attribute}`) ? [path, path.slice(0, -attribute.length - 1)] : [path];
    const keys = paths.flatMap((one) => [
      ...identifiersOfPath(one).map((identifier) => this.keyOf(identifier)),
      // as it stands in Redis already
      ...(isHashed(one) ? [this.parts.keyspace.key(this.name, one, attribute)] : []),
    ]);
    return [...new Map(keys.map((key) => [key.entry, key])).values()];
  }

  get options(): ResolvedRegionOptions {
    return this.state.options;
  }

  get isOff(): boolean {
    return this.state.isOff;
  }

  set isOff(isOff: boolean) {
    this.state.isOff = isOff;
    this.modesChanged();
  }

  /** Somebody began to read past the cache, or nobody does any more. */
  modesChanged(): void {
    this.localTier = this.state.isOff || this.parts.modes.isUsed ? null : this.parts.localTier;
  }

  read(
    key: CacheKey,
    policy: ReadPolicy,
    args: Args,
    load: (context: LoadContext) => Promise<unknown>,
    asked?: Asked,
  ): Promise<unknown> {
    const mode = asked === undefined ? undefined : modeOf(asked);
    if (mode === undefined) {
      const local = this.takeLocal(key, policy, asked?.report);
      if (local !== NOTHING) {
        if (policy.earlyRefresh > 0)
          this.parts.refreshes.atLocalHit(new ReadCall(this.state, key, policy, args, load), local);
        return Promise.resolve(local);
      }
    }
    return this.behind(key, policy, args, load, asked?.report, mode);
  }

  readBehind(
    key: CacheKey,
    policy: ReadPolicy,
    args: Args,
    load: (context: LoadContext) => Promise<unknown>,
    asked?: Asked,
  ): Promise<unknown> {
    if (policy.earlyRefresh > 0) return this.read(key, policy, args, load, asked);
    return this.behind(key, policy, args, load, asked?.report, asked === undefined ? undefined : modeOf(asked));
  }

  private behind(
    key: CacheKey,
    policy: ReadPolicy,
    args: Args,
    load: (context: LoadContext) => Promise<unknown>,
    asked: OnReport | undefined,
    mode: CallMode | undefined,
  ): Promise<unknown> {
    const report = asked ?? takeListener();
    if (!this.parts.isEnabled) return this.loadStraight(key, load, report);
    return this.parts.reader.read(new ReadCall(this.state, key, policy, args, load, report, mode));
  }

  peek(key: CacheKey, policy: ReadPolicy, asked?: OnReport): Promise<unknown> {
    if (!this.parts.isEnabled) return Promise.resolve(undefined);
    const local = this.answerIn(key, policy, asked);
    if (local !== null) return local;
    const report = asked ?? takeListener();
    return this.parts.reader.peek({ region: this.state, key, policy, args: NO_ARGS, report });
  }

  answerLocal(key: CacheKey, policy: ReadPolicy): Promise<unknown> | null {
    return policy.earlyRefresh > 0 ? null : this.answerIn(key, policy, undefined);
  }

  private answerIn(key: CacheKey, policy: ReadPolicy, asked: OnReport | undefined): Promise<unknown> | null {
    const entry = this.findLocal(key, policy);
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

  takeLocal(key: CacheKey, policy: ReadPolicy, asked?: OnReport): unknown {
    const entry = this.findLocal(key, policy);
    if (entry === undefined) return NOTHING;
    const value = entry.revive === null ? entry.value : this.revived(entry.revive, key, policy);
    if (value !== NOTHING) this.noteHit(entry, asked);
    return value;
  }

  private findLocal(key: CacheKey, policy: ReadPolicy): LocalEntry | undefined {
    const { journal } = this.parts;
    const localTier = this.localTier ?? this.localTierOfCall();
    if (localTier === null || (journal.size > 0 && journal.covers(key, this.state))) return undefined;
    if (this.state.loadsBesideValue > 0 && this.isPartOfLoadOf(key)) return undefined;
    return localTier.find(key, policy.shape);
  }

  private noteHit(entry: LocalEntry, asked: OnReport | undefined): void {
    this.state.counts.hitsL1 += 1;
    const report = asked ?? takeListener();
    if (report) this.tell(report, 'l1', entry.freshUntilMs - this.parts.clock.now());
  }

  writeThrough(key: CacheKey, policy: ReadPolicy, args: Args, write: () => Promise<unknown>): Promise<unknown> {
    return this.parts.writer.writeThrough(this.entryCall(key, policy, args), write);
  }

  put(key: CacheKey, policy: ReadPolicy, value: unknown): Promise<void> {
    return this.parts.writer.put({ region: this.state, key, policy, args: NO_ARGS }, value);
  }

  evictKeys(keys: readonly CacheKey[], options: { version?: string } = {}): Promise<void> {
    return this.parts.writer.evict(this.state, keys, options.version);
  }

  get writer(): CacheWriter {
    return this.parts.writer;
  }

  wantedKeys(keys: readonly CacheKey[], version = '', isSoft = false): Wanted[] {
    return keys.map((key) => ({ kind: 'key', region: this.state, key, version, isSoft }));
  }

  wantedClear(): Wanted {
    return { kind: 'mark', mark: `r:${this.state.name}`, counts: this.state.counts };
  }

  fencedKeys(keys: readonly CacheKey[]): FencedKey[] {
    return keys.map((key) => ({ region: this.state, key }));
  }

  sendPut(key: CacheKey, policy: ReadPolicy, value: unknown): Promise<EvictionOutcome> {
    return this.parts.writer.sendPut(this.entryCall(key, policy, NO_ARGS), value);
  }

  entryCall(key: CacheKey, policy: ReadPolicy, args: Args): EntryCall {
    return { region: this.state, key, policy, args };
  }

  clear(): Promise<void> {
    return this.parts.writer.evictAll([this.wantedClear()]);
  }

  tracked<W>(writing: Promise<W>): Promise<W> {
    return this.parts.writer.tracked(writing);
  }

  declareTags(): void {
    this.state.usesTags = true;
  }

  countBypass(): void {
    this.state.counts.bypasses += 1;
  }

  /** The caller is part of a load of this entry, as far as that is known. */
  private isPartOfLoadOf(key: CacheKey): boolean {
    return this.parts.scopes.current()?.flight?.isLoadOf(this.state, key) ?? false;
  }

  private localTierOfCall(): LocalTier | null {
    const { localTier, modes } = this.parts;
    return this.state.isOff || modes.current() !== undefined ? null : localTier;
  }

  /** The cache is off. */
  private async loadStraight(
    key: CacheKey,
    load: (context: LoadContext) => Promise<unknown>,
    report: OnReport | undefined,
  ): Promise<unknown> {
    this.countBypass();
    const value = await load({
      signal: new AbortController().signal,
      region: this.name,
      key: key.entry,
      isRefresh: false,
    });
    if (report) this.tell(report, 'load', null);
    return value;
  }

  private tell(report: OnReport, source: 'l1' | 'load', freshMs: number | null): void {
    const bypass = source === 'load' ? 'off' : null;
    tell(this.state, report, { source, isJoined: false, isStored: freshMs !== null, freshMs, bypass });
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
}

function modeOf({ isBypass, isForced }: Asked): CallMode | undefined {
  return isBypass ? 'bypass' : isForced ? 'fresh' : undefined;
}

const NO_ARGS: Args = Object.freeze([]);
