import type { RedisCacheOptions } from '../../lib/index.js';

/** How long loads take; each share of them is drawn by chance. */
export interface LoadDelays {
  /** Before and after the read of the source, 0 to this, ms. */
  readonly maxMs: number;
  readonly tailShare: number;
  readonly tailMs: number;
  readonly slowShare: number;
  readonly slowMs: number;
}

/** What the processes do. `events`: versioned puts and evictions alone, so that puts are accepted. */
export type Mix =
  | 'all'
  | 'events'
  | 'events-and-evictions'
  | 'events-and-clears'
  | 'read-mostly'
  | 'read-only'
  | 'idle';

/** What is wrong with one process, and what it does. */
export interface WorkerState {
  readonly mix: Mix;
  readonly loadDelays: LoadDelays;
  /** Share of the channel's messages that get lost on their way to this process. */
  readonly dropShare: number;
  /** Extra time on their way, ms. */
  readonly messageDelayMs: number;
  /** Share of the writes that go no further after their commit, as if the process had died there. */
  readonly abandonShare: number;
  /** How wrong the wall clock of the process is. */
  readonly clockShiftMs: number;
}

/** What a worker is started with, in the environment variable HISTORY_WORKER. */
export interface WorkerConfig {
  readonly process: number;
  readonly seed: number;
  readonly historyPath: string;
  readonly sourcePort: number;
  readonly cache: 'module' | 'naive';
  readonly options: Pick<
    RedisCacheOptions,
    'service' | 'redis' | 'commandTimeout' | 'reads' | 'onFailover' | 'buckets' | 'codec'
  >;
  /** D of the protocol. */
  readonly maxAgeMs: number;
  /** Of the regions whose entries expire during a run. */
  readonly shortTtlMs: number;
  readonly fenceMs: number;
  /** Of the values. */
  readonly shape: number;
  /** How long a fenced write takes before it commits, at most, so that others get between. */
  readonly longestWriteMs: number;
  readonly keyCount: number;
  readonly readerCount: number;
  readonly writerCount: number;
  /** Mean pause of a writer between two writes, ms. */
  readonly writePauseMs: number;
  /** Pause of a reader after every 16 reads, ms; 0: one turn of the event loop. */
  readonly readPauseMs: number;
  /** Above 0 a writer writes a few times at once, and then nothing for so long, ms on average. */
  readonly burstPauseMs: number;
  /** Names of the regions that are used; empty: all. */
  readonly regions: readonly string[];
  readonly state: WorkerState;
}

export type ToWorker =
  | { readonly kind: 'set'; readonly state: Partial<WorkerState> }
  /** Go on in another file. */
  | { readonly kind: 'rotate'; readonly historyPath: string }
  /** Die between the next commit and its eviction. */
  | { readonly kind: 'crash'; readonly isStrict: boolean }
  /** Stand still for so long, and believe that no time went by. */
  | { readonly kind: 'suspend'; readonly ms: number }
  | { readonly kind: 'finish' };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** Every operation that began before `watermark` stands in the files up to the rotated one. */
  | { readonly kind: 'rotated'; readonly watermark: number; readonly report: WorkerReport }
  | { readonly kind: 'problem'; readonly message: string };

export interface WorkerReport {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly readsInFlight: number;
  readonly pendingEvictions: number;
  /** Slowest read since the last report, ms. */
  readonly slowestReadMs: number;
  /** Errors of reads and writes since the last report, by code or message. */
  readonly errors: Readonly<Record<string, number>>;
}
