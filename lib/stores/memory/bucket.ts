import type { StoredEntry } from '../../entries/stored-entry.js';
import { compareVersions } from '../../entries/version.js';
import type { ChannelMessage, Mark } from '../channel.js';
import type { BucketPosition, OnFailover, PollReply } from '../remote-store.js';
import type { ExpiringMap } from './expiring-map.js';
import { Fences } from './fences.js';
import { Holds } from './holds.js';
import { Marks } from './marks.js';

/** V: a value as it stands. */
export interface StoredValue {
  readonly entry: StoredEntry;
  readonly expiresAtMicros: number;
}

export interface Lease {
  readonly token: string;
  /** Others may take over from then on. */
  readonly untilMicros: number;
  /** `ls`: the stamp that the filled entry will carry. */
  readonly stamp: number;
  readonly incarnation: number;
  /** `lw`: somebody was told that it is held, and waits for its end. */
  readonly isAwaited: boolean;
}

/** S: the lease and the tombstone of a key. Lives only while there is something to say. */
export interface SideRecord {
  readonly lease: Lease | null;
  /** `tv`: the lowest version still acceptable, or ''. */
  readonly lowestVersion: string;
  /** `tx`: when the last invalidation without a version counted, server µs; 0 for never. */
  readonly invalidatedAtMicros: number;
  readonly expiresAtMicros: number;
}

/** What is known by the server's process alone: never written, never replicated, gone at its end (PROTOCOL 3). */
export interface ServerProcess {
  readonly bootId: number;
  /** By bucket: the sequence as this process left it. */
  readonly sequences: Map<number, number>;
}

/** What a bucket needs of its server. */
export interface BucketServer {
  readonly process: ServerProcess;
  readonly values: ExpiringMap<StoredValue>;
  readonly sides: ExpiringMap<SideRecord>;
  /** A number greater than all before: real time moves on between two incarnations, the clock of a test need not. */
  nextIncarnation(atLeast: number): number;
  publish(message: ChannelMessage): void;
}

type Invalidation = 'flush' | { readonly entry: string } | { readonly mark: Mark; readonly stamp: number };

const NO_SIDE: SideRecord = { lease: null, lowestVersion: '', invalidatedAtMicros: 0, expiresAtMicros: 0 };

/** M: all safety data of one bucket, and the ways to its V and S. The operations on it are in the files beside. */
export class Bucket {
  marks = new Marks();
  fences = new Fences();
  holds = new Holds();
  /** `i`; 0 while M does not exist. */
  incarnation = 0;
  /** `p`: the incarnations before this one, the newest first, back to the last time that marks were lost. */
  private earlierIncarnations: readonly number[] = [];
  /** `q` */
  sequence = 0;
  /** `tq` */
  markSequence = 0;
  /** `b` */
  private bootId = 0;

  constructor(
    readonly index: number,
    private readonly server: BucketServer,
  ) {}

  get exists(): boolean {
    return this.incarnation > 0;
  }

  get position(): BucketPosition {
    return { incarnation: this.incarnation, sequence: this.sequence };
  }

  /**
   * First in every operation: when the process or its data is not the one from before, or the caller has seen a later
   * incarnation (T9), a new one begins, in which everything older is void (R9, R10).
   */
  identify(knownIncarnation: number, nowMicros: number): void {
    const { process } = this.server;
    const isSame = this.bootId === process.bootId && process.sequences.get(this.index) === this.sequence;
    if (isSame && knownIncarnation <= this.incarnation) return;
    if (this.exists) this.earlierIncarnations = [this.incarnation, ...this.earlierIncarnations].slice(0, 16);
    this.incarnation = this.server.nextIncarnation(Math.max(nowMicros, this.incarnation + 1, knownIncarnation + 1));
    this.bootId = process.bootId;
    this.bump('flush');
  }

  /** Counts an invalidation and tells it, so that a rollback or a lost message is always visible. */
  bump(what: Invalidation): void {
    this.sequence += 1;
    this.server.process.sequences.set(this.index, this.sequence);
    const head = { bucket: this.index, incarnation: this.incarnation, sequence: this.sequence };
    if (what !== 'flush' && 'entry' in what) {
      this.server.publish({ kind: 'entry', ...head, entry: what.entry });
      return;
    }
    this.markSequence += 1;
    if (what === 'flush') this.server.publish({ kind: 'flush', ...head });
    else this.server.publish({ kind: 'mark', ...head, mark: what.mark, stamp: what.stamp });
  }

  wake(entry: string): void {
    this.server.publish({ kind: 'wake', bucket: this.index, entry });
  }

  poll(nowMicros: number): Omit<PollReply, 'stamps'> {
    const { markSequence, earlierIncarnations, marks } = this;
    return { ...this.position, markSequence, earlierIncarnations, stampClock: marks.clock, nowMicros };
  }

  /** What stands at the key, dead or alive. */
  valueOf(entry: string, nowMicros: number): StoredValue | undefined {
    return this.server.values.get(entry, nowMicros);
  }

  /**
   * True when no mark voids the entry, and its incarnation is this one, or one that `onFailover` lets live; freshness
   * aside.
   */
  isLive(entry: StoredEntry, region: string, onFailover: OnFailover): boolean {
    const isKnown =
      entry.incarnation === this.incarnation ||
      (onFailover !== 'flush' && this.earlierIncarnations.includes(entry.incarnation));
    return isKnown && !this.marks.areVoiding({ stamp: entry.stamp, region, tags: entry.tags });
  }

  setValue(entry: string, value: StoredValue, nowMicros: number): void {
    this.marks.noteLife(value.expiresAtMicros - nowMicros);
    this.server.values.set(entry, value, nowMicros);
  }

  deleteValue(entry: string): void {
    this.server.values.delete(entry);
  }

  sideOf(entry: string, nowMicros: number): SideRecord {
    return this.server.sides.get(entry, nowMicros) ?? NO_SIDE;
  }

  setLease(entry: string, lease: Lease, keptUntilMicros: number, nowMicros: number): void {
    this.marks.noteLife(keptUntilMicros - nowMicros);
    this.setSide(entry, { lease }, keptUntilMicros, nowMicros);
  }

  clearLease(entry: string, nowMicros: number): void {
    const side = this.sideOf(entry, nowMicros);
    if (!side.lease) return;
    if (side.lowestVersion === '' && side.invalidatedAtMicros === 0) this.server.sides.delete(entry);
    else this.setSide(entry, { lease: null }, 0, nowMicros);
  }

  /** Versions below this one are refused from now on. A tombstone only grows. */
  raiseLowestVersion(entry: string, version: string, tombstoneMs: number, nowMicros: number): void {
    const { lowestVersion } = this.sideOf(entry, nowMicros);
    const higher = compareVersions(version, lowestVersion) > 0 ? version : lowestVersion;
    this.setSide(entry, { lowestVersion: higher }, nowMicros + tombstoneMs * 1_000, nowMicros);
  }

  /** The key was invalidated, nobody knows with which version; `atMicros` may lie ahead (a fence's end). */
  noteInvalidation(entry: string, atMicros: number, tombstoneMs: number, nowMicros: number): void {
    const invalidatedAtMicros = Math.max(this.sideOf(entry, nowMicros).invalidatedAtMicros, atMicros);
    this.setSide(entry, { invalidatedAtMicros }, atMicros + tombstoneMs * 1_000, nowMicros);
  }

  /** M as it stands. Its values are the server's to keep. */
  dump(): BucketDump {
    const { bootId, incarnation, earlierIncarnations, sequence, markSequence } = this;
    const position = { incarnation, earlierIncarnations, sequence, markSequence };
    return { bootId, ...position, marks: this.marks.copy(), fences: this.fences.copy(), holds: this.holds.copy() };
  }

  restore(dump: BucketDump): void {
    const { bootId, incarnation, earlierIncarnations, sequence, markSequence } = dump;
    Object.assign(this, { bootId, incarnation, earlierIncarnations, sequence, markSequence });
    this.marks = dump.marks.copy();
    this.fences = dump.fences.copy();
    this.holds = dump.holds.copy();
  }

  /** Nothing shortens the life of a record: what else it says may be needed for longer. */
  private setSide(entry: string, change: Partial<SideRecord>, keptUntilMicros: number, nowMicros: number): void {
    const side = this.sideOf(entry, nowMicros);
    const expiresAtMicros = Math.max(side.expiresAtMicros, keptUntilMicros);
    this.server.sides.set(entry, { ...side, ...change, expiresAtMicros }, nowMicros);
  }
}

export interface BucketDump {
  readonly bootId: number;
  readonly incarnation: number;
  readonly earlierIncarnations: readonly number[];
  readonly sequence: number;
  readonly markSequence: number;
  readonly marks: Marks;
  readonly fences: Fences;
  readonly holds: Holds;
}
