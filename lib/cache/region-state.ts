import type { Codec } from '../codecs/codec.js';
import type { ResolvedRegionOptions } from '../options/resolved-options.js';
import type { LoggerPort } from '../shared/logger.js';
import { emptyCounts, type RegionCounts } from '../telemetry/recorder.js';
import type { ValueShape } from './read-policy.js';
import { ValuePipeline } from './value-pipeline.js';

/** What the engine knows of a region: its policy, its counts, how its values are read and written. */
export class RegionState {
  readonly counts: RegionCounts = emptyCounts();
  readonly attribute: string;
  /** Some operation of this region gives its entries tags: then a put needs a fence (PROTOCOL 4, PUT). */
  usesTags = false;
  private readonly pipelines = new Map<ValueShape, ValuePipeline>();
  private readonly warned = new Set<string>();

  constructor(
    readonly name: string,
    readonly options: ResolvedRegionOptions,
    readonly codec: Codec,
    private readonly logger: LoggerPort,
  ) {
    this.attribute = options.attribute ?? codec.id;
  }

  pipelineOf(shape: ValueShape): ValuePipeline {
    let pipeline = this.pipelines.get(shape);
    if (!pipeline) {
      pipeline = new ValuePipeline({ region: this.name, codec: this.codec, shape, logger: this.logger });
      this.pipelines.set(shape, pipeline);
    }
    return pipeline;
  }

  /** Warns once per region and kind: what a region does wrong it does with every entry. */
  warnOnce(kind: string, message: string): void {
    if (this.warned.has(kind)) return;
    this.warned.add(kind);
    this.logger.warn(message);
  }
}
