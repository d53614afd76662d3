import type { CacheKey } from '../keys/cache-key.js';
import { identifiersOfPath, isHashed } from '../keys/key-path.js';
import { hashedIdentifier, type Keyspace } from '../keys/keyspace.js';
import type { ResolvedRegionOptions } from '../options/resolved-options.js';
import type { CallMode } from './call-modes.js';
import type { FencedKey } from './call-fences.js';
import type { Engine } from './engine.js';
import { type EntryCall, ReadCall } from './entry-call.js';
import type { Wanted } from './eviction-group.js';
import type { EvictionOutcome } from './evictions.js';
import type { LoadContext } from './load-context.js';
import { LocalAnswers } from './local-answers.js';
import type { ReadPolicy } from './read-policy.js';
import { type Asked, type OnReport, takeListener, tell } from './read-report.js';
import type { Reader } from './reader.js';
import type { Refreshes } from './refreshes.js';
import { NOTHING, type Region } from './region.js';
import type { RegionState } from './region-state.js';
import type { CacheWriter } from './writer.js';

type Args = readonly unknown[];

const NO_ARGS: Args = Object.freeze([]);

/** The region of an engine. */
export class EngineRegion implements Region {
  readonly keyOf: (identifier: string) => CacheKey;
  private readonly local: LocalAnswers;

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
    this.local = new LocalAnswers(state, parts);
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
    this.local.modesChanged();
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
      const local = this.local.take(key, policy, asked?.report);
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
    const local = this.local.answer(key, policy, asked);
    if (local !== null) return local;
    const report = asked ?? takeListener();
    return this.parts.reader.peek({ region: this.state, key, policy, args: NO_ARGS, report });
  }

  answerLocal(key: CacheKey, policy: ReadPolicy): Promise<unknown> | null {
    return policy.earlyRefresh > 0 ? null : this.local.answer(key, policy, undefined);
  }

  takeLocal(key: CacheKey, policy: ReadPolicy, asked?: OnReport): unknown {
    return this.local.take(key, policy, asked);
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
    if (report)
      tell(this.state, report, { source: 'load', isJoined: false, isStored: false, freshMs: null, bypass: 'off' });
    return value;
  }
}

function modeOf({ isBypass, isForced }: Asked): CallMode | undefined {
  return isBypass ? 'bypass' : isForced ? 'fresh' : undefined;
}
