import type { RedisCacheOptions } from '../../lib/index.js';
import type { Random } from './random.js';

/** Something that goes wrong, and is right again when `run` resolves. */
export interface Fault {
  readonly name: string;
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** True: fences and entries may be gone after it. */
  readonly losesData: boolean;
  /**
   * True: no client is told, so that what was acknowledged before its end counts for a read only when it is D old or
   * older.
   */
  readonly isSilent?: boolean;
  /**
   * True: while it lasts everybody is promised what G2 says, and no more: some still talk to a master that others have
   * left.
   */
  readonly isBoundedByAge?: boolean;
  run(random: Random): Promise<void>;
}

/** The servers under the cache, and what may happen to them. */
export interface Topology {
  readonly name: string;
  /** Plain data: it goes to other processes. */
  readonly connection: NonNullable<RedisCacheOptions['redis']>;
  /** The same servers, for every third process: it stays where it is connected until that connection ends. */
  readonly stayingConnection?: NonNullable<RedisCacheOptions['redis']>;
  /** Only on Cluster. */
  readonly buckets?: number;
  readonly faults: readonly Fault[];
  /** Version of the server, for the summary. */
  readonly server: string;
  stop(): Promise<void>;
}

/** Which programs run the servers. */
export interface ServerPrograms {
  readonly bin: string;
  readonly cli: string;
}
