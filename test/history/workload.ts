import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { isCacheError } from '../../lib/index.js';
import { type CacheUnderTest, type Commit, EVICTION_ORDERS } from './cache-under-test.js';
import type { HistoryWriter } from './history-file.js';
import type { WorkerConfig, WorkerState } from './messages.js';
import { monotonicMs } from './monotonic.js';
import type { OperationKind } from './operation.js';
import { Random } from './random.js';
import { madeOf, REGIONS, TAG_COUNT } from './regions.js';
import type { Row, SourceOfTruth } from './source-of-truth.js';

const READS_PER_TURN = 16;
const WRITES_PER_BURST = 6;

/**
 * Commits that may still be announced by an event; far below the tombstone, since a late put is no event but a fault of
 * the test.
 */
const EVENT_AGE_MS = 1_000;

type Write =
  | 'change'
  | 'changeTogether'
  | 'changeStrictly'
  | 'changeAndPut'
  | 'write'
  | 'commitThenEvict'
  | 'evict'
  | 'changeTagged'
  | 'evictTag'
  | 'changeAndClear'
  | 'clearRegion'
  | 'clearAll'
  | 'commit'
  | 'putEvent'
  | 'evictEvent'
  | 'evictOldEvent';

const PLAIN: Partial<Record<Write, number>> = {
  change: 30,
  changeStrictly: 16,
  changeAndPut: 16,
  write: 16,
  commitThenEvict: 10,
  evict: 4,
  changeAndClear: 1,
  clearRegion: 0.5,
  clearAll: 0.3,
};
const TAGGED: Partial<Record<Write, number>> = { ...PLAIN, changeTagged: 20, evictTag: 6 };
/** On keys of which others are made; what evicts the inner one alone promises nothing of the outer ones. */
const PARTS: Partial<Record<Write, number>> = {
  changeTogether: 40,
  changeTagged: 15,
  evictTag: 6,
  change: 4,
  changeStrictly: 4,
  write: 4,
  clearRegion: 0.3,
  clearAll: 0.3,
};
const EVENTS: Partial<Record<Write, number>> = {
  commit: 30,
  changeAndPut: 10,
  putEvent: 40,
  evictEvent: 15,
  evictOldEvent: 15,
};
/** Everything at once on the keys of events. */
const VERSIONED: Partial<Record<Write, number>> = {
  ...EVENTS,
  change: 6,
  changeStrictly: 4,
  write: 6,
  evict: 2,
  clearRegion: 0.3,
};

/** Reads and writes of one process, each recorded with its begin, its end and the version it saw or made. */
export class Workload {
  readonly errors: Record<string, number> = {};
  slowestReadMs = 0;
  private readonly random: Random;
  private readonly regions: readonly number[];
  /** By reader: values made of others take several loads, and would hold up who reads both. */
  private readonly readable: readonly (readonly number[])[];
  /** Begin of what each loop has not recorded yet. */
  private readonly begins: Float64Array;
  private readonly recent: { region: number; row: Row; at: number }[] = [];
  private isRunning = true;
  private crash: { isStrict: boolean } | null = null;
  private loops: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly parts: {
      config: WorkerConfig;
      state: WorkerState;
      cache: CacheUnderTest;
      source: SourceOfTruth;
      history: HistoryWriter;
    },
  ) {
    const { config } = parts;
    this.random = new Random(config.seed);
    this.begins = new Float64Array(config.readerCount + config.writerCount).fill(Infinity);
    const isUsed = (name: string) => config.regions.length === 0 || config.regions.includes(name);
    this.regions = REGIONS.flatMap(({ name }, index) => (isUsed(name) ? [index] : []));
    const isNested = (index: number) => REGIONS[index]!.madeOf !== undefined || madeOf(index).length > 0;
    const nested = this.regions.filter(isNested);
    const others = this.regions.filter((index) => !isNested(index));
    this.readable = nested.length > 0 && others.length > 0 ? [nested, others, others, others] : [this.regions];
  }

  start(): void {
    const { readerCount, writerCount } = this.parts.config;
    this.loops = Promise.all([
      ...Array.from({ length: readerCount }, (_, loop) => this.readInLoop(loop)),
      ...Array.from({ length: writerCount }, (_, loop) => this.writeInLoop(readerCount + loop)),
    ]);
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.loops;
  }

  /** Every operation that began before this moment is recorded. */
  watermark(): number {
    return this.begins.reduce((least, begin) => Math.min(least, begin), monotonicMs());
  }

  /** The process dies between its next commit and the eviction. */
  crashAtNextCommit(isStrict: boolean): void {
    this.crash = { isStrict };
  }

  private async readInLoop(loop: number): Promise<void> {
    const { config, state } = this.parts;
    for (let n = 1; this.isRunning; n++) {
      if (state.mix === 'idle') await pause(10);
      else await this.read(loop);
      if (n % READS_PER_TURN !== 0) continue;
      if (config.readPauseMs > 0) await pause(config.readPauseMs);
      else await nextTurn();
    }
  }

  private async read(loop: number): Promise<void> {
    const { cache, history } = this.parts;
    const region = this.random.pick(this.readable[loop % this.readable.length]!);
    const key = this.pickKey();
    const way = this.random.next();
    const begin = (this.begins[loop] = monotonicMs());
    try {
      const row = await (way < 0.6
        ? cache.find(region, key)
        : way < 0.9
          ? cache.getOrLoad(region, key)
          : cache.peek(region, key));
      const end = monotonicMs();
      this.slowestReadMs = Math.max(this.slowestReadMs, end - begin);
      if (row !== undefined) {
        if (row.k !== key || row.r !== region) this.count(`a value of another key: ${JSON.stringify(row)}`);
        history.add('read', region, key, row.v, begin, end);
      }
    } catch (error) {
      this.count(`read: ${describe(error)}`);
      history.add('failed-read', region, key, 0, begin, monotonicMs());
    }
    this.begins[loop] = Infinity;
  }

  private async writeInLoop(loop: number): Promise<void> {
    const { config, state } = this.parts;
    for (let n = 0; this.isRunning; n++) {
      const isBetweenBursts = config.burstPauseMs > 0 && n % WRITES_PER_BURST === 0;
      const calmMs = state.mix === 'read-mostly' ? 20 * config.writePauseMs : config.writePauseMs;
      const meanMs = isBetweenBursts ? config.burstPauseMs : config.burstPauseMs > 0 ? 0 : calmMs;
      if (meanMs > 0) await pause(2 * meanMs * this.random.next());
      if (state.mix === 'idle' || state.mix === 'read-only') {
        await pause(10);
        continue;
      }
      const picked = this.pickRegion();
      const region = REGIONS[picked]!.madeOf ?? picked;
      this.begins[loop] = monotonicMs();
      try {
        await this.writeOnce(region, this.pickWrite(region));
      } catch (error) {
        this.count(`write: ${describe(error)}`);
      }
      this.begins[loop] = Infinity;
    }
  }

  private pickWrite(region: number): Write {
    const { hasTags, isVersioned } = REGIONS[region]!;
    const { mix } = this.parts.state;
    if (madeOf(region).length > 0) return this.random.weighted(PARTS);
    if (isVersioned && mix === 'events-and-evictions') return this.random.weighted({ ...EVENTS, change: 10 });
    if (isVersioned && mix === 'events-and-clears') return this.random.weighted({ ...EVENTS, clearRegion: 1 });
    if (isVersioned) return this.random.weighted(mix === 'events' ? EVENTS : VERSIONED);
    if (mix.startsWith('events')) return this.random.weighted({ change: 3, write: 2, changeStrictly: 1 });
    return this.random.weighted(hasTags ? TAGGED : PLAIN);
  }

  private async writeOnce(region: number, write: Write): Promise<void> {
    const { cache } = this.parts;
    const key = this.pickKey();
    const tag = region * TAG_COUNT + (key % TAG_COUNT);
    const { isVersioned } = REGIONS[region]!;
    switch (write) {
      case 'change':
        return this.committing('evict', region, key, (commit) => cache.change(region, key, commit));
      case 'changeTogether': {
        const way = this.random.pick(EVICTION_ORDERS);
        // what is put may be older than what another process has committed meanwhile, and not evicted yet
        const kind = way === 'putInner' ? 'write-together' : 'evict-together';
        return this.committing(kind, region, key, (commit) => cache.changeTogether(region, key, way, commit));
      }
      case 'changeStrictly':
        return this.committing('write', region, key, (commit) => cache.changeStrictly(region, key, commit));
      case 'changeAndPut': {
        const kind = isVersioned ? 'put-version' : 'write';
        return this.committing(kind, region, key, (commit) => cache.changeAndPut(region, key, commit));
      }
      case 'write':
        return this.committing('write', region, key, (commit) => cache.write(region, key, commit));
      case 'commitThenEvict':
        await this.commit(region, key);
        await pause(this.random.below(20));
        return this.acknowledging('evict', region, key, 0, () => cache.evict(region, key));
      case 'evict':
        return this.acknowledging('evict', region, key, 0, () => cache.evict(region, key));
      case 'changeTagged':
        await this.commit(region, (key + TAG_COUNT) % this.parts.config.keyCount);
        return this.committing('evict-tag', region, key, (commit) => cache.changeTagged(region, tag, commit));
      case 'evictTag':
        return this.acknowledging('evict-tag', region, key % TAG_COUNT, 0, () => cache.evictTag(region, tag));
      case 'changeAndClear':
        return this.committing('clear-region', region, key, (commit) => cache.changeAndClear(region, commit));
      case 'clearRegion':
        return this.acknowledging('clear-region', region, 0, 0, () => cache.clearRegion(region));
      case 'clearAll':
        return this.acknowledging('clear-all', region, 0, 0, () => cache.clearAll());
      case 'commit':
        await this.commit(region, key);
        return;
      case 'putEvent':
      case 'evictEvent': {
        const event = this.pickEvent(region);
        if (event === undefined) return;
        const { row } = event;
        if (write === 'putEvent')
          return this.acknowledging('put-version', region, row.k, row.v, () => cache.putVersion(region, row));
        return this.acknowledging('evict-version', region, row.k, row.v, () =>
          cache.evictVersion(region, row.k, row.v),
        );
      }
      case 'evictOldEvent': {
        const current = await this.parts.source.read(region, key);
        const version = Math.max(1, current - this.random.below(5));
        if (current === 0) return;
        return this.acknowledging('evict-version', region, key, version, () =>
          cache.evictVersion(region, key, version),
        );
      }
    }
  }

  /** A write whose method commits. Evictions begin after the commit, so that is their begin. */
  private async committing(
    kind: OperationKind,
    region: number,
    key: number,
    run: (commit: Commit) => Promise<unknown>,
  ): Promise<void> {
    const { cache, history } = this.parts;
    const fencesFailed = cache.fencesFailed(region);
    let begin = monotonicMs();
    let version = 0;
    let isAbandoned = false;
    let abandon = () => {};
    const abandoned = new Promise<void>((resolve) => {
      abandon = () => {
        isAbandoned = true;
        resolve();
      };
    });
    const commit = async () => {
      if (kind === 'write') await pause(this.random.below(this.parts.config.longestWriteMs));
      const row = await this.commit(region, key);
      version = row.v;
      const isFenced = kind === 'write' && cache.fencesFailed(region) === fencesFailed;
      if (this.endsHere(kind, region, key, row.v, begin, isFenced)) {
        abandon();
        return new Promise<never>(() => {});
      }
      if (kind.startsWith('evict') || kind.startsWith('clear')) begin = monotonicMs();
      return row;
    };
    const subject = kind === 'evict-tag' ? key % TAG_COUNT : key;
    try {
      await Promise.race([run(commit), abandoned]);
      if (isAbandoned) return;
      history.add(kind, region, subject, version, begin, monotonicMs());
    } catch (error) {
      this.count(`write: ${describe(error)}`);
      if (isPending(error)) history.add(kind, region, subject, version, begin, monotonicMs(), false);
    }
  }

  private async acknowledging(
    kind: OperationKind,
    region: number,
    key: number,
    version: number,
    run: () => Promise<unknown>,
  ): Promise<void> {
    const { history } = this.parts;
    const begin = monotonicMs();
    try {
      await run();
      history.add(kind, region, key, version, begin, monotonicMs());
    } catch (error) {
      this.count(`write: ${describe(error)}`);
      if (isPending(error)) history.add(kind, region, key, version, begin, monotonicMs(), false);
    }
  }

  private async commit(region: number, key: number): Promise<Row> {
    const begin = monotonicMs();
    const v = await this.parts.source.commit(region, key);
    const end = monotonicMs();
    this.parts.history.add('commit', region, key, v, begin, end);
    const row = { r: region, k: key, v };
    if (REGIONS[region]!.isVersioned) this.remember(region, row, begin);
    return row;
  }

  private remember(region: number, row: Row, at: number): void {
    this.recent.push({ region, row, at });
    if (this.recent.length > 64) this.recent.shift();
  }

  /** A young commit of this process, announced for the first time or again. */
  private pickEvent(region: number) {
    const since = monotonicMs() - EVENT_AGE_MS;
    const young = this.recent.filter((event) => event.region === region && event.at > since);
    return young.length === 0 ? undefined : this.random.pick(young);
  }

  /** The process dies between commit and eviction, or seems to: the write just goes no further. */
  private endsHere(
    kind: OperationKind,
    region: number,
    key: number,
    version: number,
    begin: number,
    isFenced: boolean,
  ): boolean {
    const { crash } = this;
    const { history, state } = this.parts;
    const isStrict = kind === 'write';
    if (!isStrict && kind !== 'evict') return false;
    const dies = crash !== null && crash.isStrict === isStrict;
    if (!dies && !this.random.chance(state.abandonShare)) return false;
    history.add(isFenced ? 'crash-strict' : 'crash-plain', region, key, version, begin, monotonicMs());
    if (dies) {
      history.flush();
      process.kill(process.pid, 'SIGKILL');
    }
    return true;
  }

  private pickRegion(): number {
    return this.random.pick(this.regions);
  }

  /** Half of all goes to a few hot keys. */
  private pickKey(): number {
    const { keyCount } = this.parts.config;
    return this.random.below(this.random.chance(0.5) ? Math.min(4, keyCount) : keyCount);
  }

  private count(what: string): void {
    this.errors[what] = (this.errors[what] ?? 0) + 1;
  }
}

const isPending = (error: unknown): boolean => isCacheError(error) && error.code === 'RC_EVICTION_PENDING';

const describe = (error: unknown): string => (isCacheError(error) ? error.code : String(error));
