import type { Operation } from './operation.js';
import { madeOf, REGIONS, TAG_COUNT } from './regions.js';

/** Promises of the protocol that a history can break. */
export type Rule =
  /** A read without L1 returned a value from before something that was acknowledged before the read began. */
  | 'G1'
  /** A read returned a value from before something that was acknowledged more than D before the read began. */
  | 'G2'
  /** A read returned a value from before the process's own eviction. */
  | 'G3'
  /**
   * After a crash between commit and eviction, a read returned the value from before the commit, in spite of the fence.
   */
  | 'G6'
  /** A read failed. */
  | 'failed read';

export interface Violation {
  readonly rule: Rule;
  readonly read: Operation;
  /** The version that the read had to return at least. */
  readonly floor: number;
  /** What made it so; null where no operation did. */
  readonly because: Operation | null;
}

export interface CheckedFigures {
  reads: number;
  readsByRegion: number[];
  /** Reads of a version that was already superseded by an acknowledged write: legal in regions with L1, up to D. */
  staleReads: number;
  /** How far behind such a read was at its begin, at most, ms. */
  worstAgeMs: number;
  evictions: number;
  writes: number;
  commits: number;
  loads: number;
  pending: number;
  /** After crashes between commit and eviction without a fence: for how long the old value was read, ms, per crash. */
  plainCrashWindowsMs: number[];
  strictCrashes: number;
  /** Old values read within D of a rollback that no client was told of: what the promise leaves open. */
  readsOfRollbacks: number;
}

interface Floor {
  version: number;
  because: Operation | null;
}

interface KeyState {
  /** Highest version committed so far. */
  committed: number;
  readonly acknowledged: Floor;
  /** What was acknowledged more than D ago. */
  readonly late: Floor;
  readonly crashed: Floor;
  readonly own: Map<number, Floor>;
  /** Recent acknowledgements, oldest first. */
  readonly recent: { version: number; at: number }[];
  plainCrash: { version: number; at: number; index: number } | null;
}

type Moment = 'read' | 'begin' | 'commit' | 'end' | 'late';
interface Event {
  readonly at: number;
  readonly moment: Moment;
  readonly operation: Operation;
}

/** At one moment, what proves less comes first. */
const ORDER: Readonly<Record<Moment, number>> = { read: 0, begin: 1, commit: 2, end: 3, late: 4 };

const VOIDS_WHAT_WAS_COMMITTED = new Set(['evict', 'evict-together', 'evict-tag', 'clear-region', 'clear-all']);
const PROMISES_ITS_VERSION = new Set(['evict-version', 'put-version', 'write', 'write-together']);
/** A write that took nearly as long as its fence, or longer, proves nothing. */
const PROVEN_SHARE = 0.7;
const RECENT_ACKNOWLEDGEMENTS = 256;

/**
 * Checks histories of any number of processes, in the order of time, a stretch at a time.
 *
 * Sound by construction: an operation counts from its recorded end, a read from its recorded begin, and what is missing
 * from the histories (a process was killed) makes the checks weaker, never wrong.
 */
export class HistoryChecker {
  readonly figures: CheckedFigures = {
    reads: 0,
    readsByRegion: REGIONS.map(() => 0),
    staleReads: 0,
    worstAgeMs: 0,
    evictions: 0,
    writes: 0,
    commits: 0,
    loads: 0,
    pending: 0,
    plainCrashWindowsMs: [],
    strictCrashes: 0,
    readsOfRollbacks: 0,
  };
  private readonly keys = new Map<number, KeyState>();
  /** Versions that evictions under way will void, by eviction. */
  private readonly snapshots = new Map<Operation, Map<KeyState, number>>();
  private waiting: Event[] = [];

  constructor(
    private readonly options: {
      readonly keyCount: number;
      /** D. */
      readonly maxAgeMs: number;
      readonly fenceMs: number;
      /**
       * Whether fences that stood at this time may have been lost with the server's data, which the protocol does not
       * cover.
       */
      readonly mayHaveLostFences: (begin: number, end: number) => boolean;
      /** Whether a server may have gone back, under its connections, less than D before the read or while it lasted. */
      readonly maySeeRollback?: (read: Operation) => boolean;
      /**
       * Whether the read lasted while some talked to a master that others had left: then G2 is all that is promised, L1
       * or not.
       */
      readonly isBoundedByAge?: (read: Operation) => boolean;
      readonly onViolation: (violation: Violation) => void;
    },
  ) {}

  /** Takes operations in any order; those that are not recorded yet begin at `watermark` or later. */
  check(operations: readonly Operation[], watermark: number): void {
    const events = this.waiting;
    for (const operation of operations) this.expand(operation, events);
    events.sort((a, b) => a.at - b.at || ORDER[a.moment] - ORDER[b.moment]);
    let count = 0;
    while (count < events.length && events[count]!.at < watermark) this.apply(events[count++]!);
    this.waiting = events.slice(count);
  }

  private expand(operation: Operation, events: Event[]): void {
    const { kind, begin, end, isAcknowledged } = operation;
    const { figures, options } = this;
    if (kind === 'read' || kind === 'failed-read') events.push({ at: begin, moment: 'read', operation });
    else if (kind === 'load') figures.loads += 1;
    else if (kind === 'commit') {
      figures.commits += 1;
      events.push({ at: end, moment: 'commit', operation });
    } else {
      if (!isAcknowledged) figures.pending += 1;
      else if (VOIDS_WHAT_WAS_COMMITTED.has(kind)) figures.evictions += 1;
      else if (PROMISES_ITS_VERSION.has(kind)) figures.writes += 1;
      if (VOIDS_WHAT_WAS_COMMITTED.has(kind)) events.push({ at: begin, moment: 'begin', operation });
      events.push({ at: end, moment: 'end', operation });
      if (isAcknowledged) events.push({ at: end + options.maxAgeMs, moment: 'late', operation });
    }
  }

  private apply({ moment, operation }: Event): void {
    switch (moment) {
      case 'read':
        return this.checkRead(operation);
      case 'commit': {
        for (const region of [operation.region, ...madeOf(operation.region)]) {
          const state = this.stateOf(region, operation.key);
          state.committed = Math.max(state.committed, operation.version);
        }
        return;
      }
      case 'begin': {
        const snapshot = new Map(this.covered(operation).map((state) => [state, state.committed]));
        this.snapshots.set(operation, snapshot);
        return;
      }
      case 'end':
        return this.applyEnd(operation);
      case 'late':
        for (const [state, version] of this.effectOf(operation)) raise(state.late, version, operation);
        this.snapshots.delete(operation);
    }
  }

  private applyEnd(operation: Operation): void {
    const { kind, process, isAcknowledged, begin, end } = operation;
    if (kind === 'crash-strict' || kind === 'crash-plain') {
      const state = this.stateOf(operation.region, operation.key);
      state.committed = Math.max(state.committed, operation.version);
      if (kind === 'crash-plain') {
        this.figures.plainCrashWindowsMs.push(0);
        state.plainCrash = {
          version: operation.version,
          at: end,
          index: this.figures.plainCrashWindowsMs.length - 1,
        };
      } else if (end - begin < PROVEN_SHARE * this.options.fenceMs && !this.options.mayHaveLostFences(begin, end)) {
        this.figures.strictCrashes += 1;
        raise(state.crashed, operation.version, operation);
      }
      return;
    }
    for (const [state, version] of this.effectOf(operation)) {
      let own = state.own.get(process);
      if (own === undefined) state.own.set(process, (own = { version: 0, because: null }));
      raise(own, version, operation);
      if (isAcknowledged && version > state.acknowledged.version) {
        raise(state.acknowledged, version, operation);
        state.recent.push({ version, at: end });
        if (state.recent.length > RECENT_ACKNOWLEDGEMENTS) state.recent.shift();
      }
    }
    if (!isAcknowledged) this.snapshots.delete(operation);
  }

  private checkRead(read: Operation): void {
    const { figures } = this;
    const { region, version, process } = read;
    if (read.kind === 'failed-read') return this.report('failed read', read, { version: 0, because: null });
    figures.reads += 1;
    figures.readsByRegion[region]! += 1;
    const state = this.stateOf(region, read.key);
    const { acknowledged, late, crashed, plainCrash } = state;
    const { hasL1 } = REGIONS[region]!;
    if (version < acknowledged.version) {
      figures.staleReads += 1;
      const since = state.recent.find((each) => each.version > version)?.at;
      if (since !== undefined) figures.worstAgeMs = Math.max(figures.worstAgeMs, read.begin - since);
      if (!hasL1 && !this.options.isBoundedByAge?.(read)) return this.report('G1', read, acknowledged);
    }
    if (version < late.version) return this.report('G2', read, late);
    const own = state.own.get(process);
    if (own !== undefined && version < own.version) return this.report('G3', read, own);
    const crashedBefore = crashed.because === null ? Infinity : read.begin - (hasL1 ? this.options.maxAgeMs : 0);
    if (version < crashed.version && crashed.because!.end < crashedBefore) return this.report('G6', read, crashed);
    if (plainCrash !== null && version < plainCrash.version) {
      figures.plainCrashWindowsMs[plainCrash.index] = read.begin - plainCrash.at;
    }
  }

  private report(rule: Rule, read: Operation, { version, because }: Floor): void {
    if (rule !== 'failed read' && this.options.maySeeRollback?.(read)) {
      this.figures.readsOfRollbacks += 1;
      return;
    }
    this.options.onViolation({ rule, read, floor: version, because });
  }

  /** What an operation, once ended, promises of which keys. */
  private effectOf(operation: Operation): Iterable<[KeyState, number]> {
    const { kind, region, key, version } = operation;
    if (PROMISES_ITS_VERSION.has(kind)) {
      const regions = kind === 'write-together' ? [region, ...madeOf(region)] : [region];
      return regions.map((index) => [this.stateOf(index, key), version]);
    }
    return this.snapshots.get(operation) ?? [];
  }

  private covered({ kind, region, key }: Operation): KeyState[] {
    const { keyCount } = this.options;
    if (kind === 'evict') return [this.stateOf(region, key)];
    const together = [region, ...madeOf(region)];
    if (kind === 'evict-together') return together.map((index) => this.stateOf(index, key));
    const all = Array.from({ length: keyCount }, (_, number) => number);
    if (kind === 'evict-tag') {
      const tagged = all.filter((number) => number % TAG_COUNT === key);
      return together.flatMap((index) => tagged.map((number) => this.stateOf(index, number)));
    }
    const regions = kind === 'clear-region' ? [region] : REGIONS.map((_, index) => index);
    return regions.flatMap((index) => all.map((number) => this.stateOf(index, number)));
  }

  private stateOf(region: number, key: number): KeyState {
    const id = region * 65_536 + key;
    let state = this.keys.get(id);
    if (state === undefined) {
      state = {
        committed: 0,
        acknowledged: { version: 0, because: null },
        late: { version: 0, because: null },
        crashed: { version: 0, because: null },
        own: new Map(),
        recent: [],
        plainCrash: null,
      };
      this.keys.set(id, state);
    }
    return state;
  }
}

function raise(floor: Floor, version: number, because: Operation): void {
  if (version <= floor.version) return;
  floor.version = version;
  floor.because = because;
}
