import type { Codec } from '../codecs/codec.js';
import type { ResolvedRegionOptions } from '../options/resolved-options.js';
import type { CacheKey } from '../keys/cache-key.js';
import { shareOf } from '../keys/key-share.js';
import { shapedCodec } from '../codecs/shaped-codec.js';
import type { LoggerPort } from '../shared/logger.js';
import { emptyCounts, type RegionCounts } from '../telemetry/recorder.js';
import type { Bulkhead } from './bulkhead.js';
import { FindRatio } from './find-ratio.js';
import type { ValueShape } from './read-policy.js';
import { ValuePipeline } from '../values/value-pipeline.js';

/** What the engine knows of a region: its policy, its counts, how its values are read and written. */
export class RegionState {
  readonly counts: RegionCounts = emptyCounts();
  readonly finds = new FindRatio();
  readonly codec: Codec;
  /**
   * Entries are read as bytes: its codec writes bytes, or one of them was met that is compressed. Read as text such an
   * entry is of no use.
   */
  readsBytes: boolean;
  /** Some operation of this region gives its entries tags: then a put needs a fence (PROTOCOL 4, PUT). */
  usesTags = false;
  /**
   * The kill switch, of the region or of its cache: reads go past the cache, and nothing is put. Evictions are sent as
   * ever.
   */
  isOff = false;
  /**
   * Loads that run while L1 may have what they are to replace: as long as there is one, L1 hits ask whether they are
   * part of it.
   */
  loadsBesideValue = 0;
  /** Weak, as the shapes are themselves. */
  private readonly pipelines = new WeakMap<ValueShape, ValuePipeline>();
  /** The one that was asked for last. */
  private lastShape: ValueShape | null = null;
  private lastPipeline: ValuePipeline | null = null;
  private shapesSeen = 0;
  private readonly warned = new Set<string>();

  constructor(
    readonly name: string,
    readonly options: ResolvedRegionOptions,
    codec: Codec,
    private readonly logger: LoggerPort,
    /** Null: as many loads as are asked for. */
    readonly bulkhead: Bulkhead | null = null,
  ) {
    this.codec = shapedCodec(codec, options.shape);
    this.readsBytes = codec.binary;
  }

  /**
   * Reads of this key go past the cache, and it is not put: all do, or it is not among the share of keys that are used.
   */
  isPast({ entry }: CacheKey): boolean {
    const { rolloutRatio } = this.options;
    return this.isOff || (rolloutRatio < 1 && shareOf(entry) >= rolloutRatio);
  }

  pipelineOf(shape: ValueShape): ValuePipeline {
    if (shape === this.lastShape) return this.lastPipeline!;
    let pipeline = this.pipelines.get(shape);
    if (!pipeline) {
      pipeline = new ValuePipeline({ codec: this.codec, ...shape });
      this.pipelines.set(shape, pipeline);
      this.shapesSeen += 1;
      if (this.shapesSeen === MANY_SHAPES) this.warnOfShapes();
    }
    this.lastShape = shape;
    this.lastPipeline = pipeline;
    return pipeline;
  }

  private warnOfShapes(): void {
    this.warnOnce(
      'shapes',
      `Region "${this.name}" has been read by ${MANY_SHAPES} different types and schemas. One that is created anew for each call never finds in L1 ` +
        `what another left there. Create type and schema once, outside the call.`,
    );
  }

  /** Counts an entry that is taken as a miss since it cannot be decoded, and warns of the first. */
  countUndecodable(where: string, error: unknown): void {
    this.counts.decodeFailures += 1;
    this.warnOnce('decode', `${where}: an entry is taken as a miss. ${(error as Error).message}`);
  }

  /** Warns once per kind: what a region or a method does wrong it does with every entry. */
  warnOnce(kind: string, message: string): void {
    if (this.warned.has(kind)) return;
    this.warned.add(kind);
    this.logger.warn(message);
  }
}

/** More than the methods of one region have. */
const MANY_SHAPES = 100;
