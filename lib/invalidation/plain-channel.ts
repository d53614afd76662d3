import type { CacheEngine } from '../cache/cache-engine.js';
import type { Wanted } from '../cache/eviction-group.js';
import type { LoggerPort } from '../shared/logger.js';
import type { PlainChannelOptions } from './events-options.js';
import type { PlainChannelStatus } from './events-status.js';

const CHANNEL = 'cache:invalidate';
/** Longest message, characters: longer ones are no names. */
const MAX_NAME = 4_096;

/**
 * `PUBLISH cache:invalidate "user:profile:9876"` from any program: every instance evicts what it names. Only names of
 * the cache's own service count, and only regions that exist: what others write brings nothing into being.
 */
export class PlainChannel {
  readonly status: PlainChannelStatus = {
    received: 0,
    evicted: 0,
    foreign: 0,
    unknownRegion: 0,
    refused: 0,
    connectionLosses: 0,
    listening: 0,
  };

  constructor(
    private readonly options: PlainChannelOptions,
    private readonly logger: LoggerPort,
  ) {}

  /** Listens on the Redis of this cache, as long as it is open. A cache without Redis has no channel. */
  listen(cache: CacheEngine): void {
    const channel = this.options.channel ?? CHANNEL;
    let isStanding = false;
    let isTold = false;
    const stand = (stands: boolean) => {
      if (stands !== isStanding) this.status.listening += stands ? 1 : -1;
      isStanding = stands;
    };
    cache.broadcast?.listen(channel, {
      onMessage: (text) => this.receive(cache, text),
      onOutcome: (error) => {
        stand(error === null);
        if (error !== null && !isTold) {
          this.logger.warn(`The channel "${channel}" is not listened to: ${error.message}. It keeps trying.`);
        }
        isTold = error !== null;
      },
      onLost: () => {
        this.status.connectionLosses += 1;
        stand(false);
      },
    });
  }

  private receive(cache: CacheEngine, text: string): void {
    const { status } = this;
    status.received += 1;
    const name = text.length > MAX_NAME ? null : cache.parsePath(text.trim());
    if (name === null) return void (status.foreign += 1);
    const region = cache.namedRegion(name.region);
    if (!region) return void (status.unknownRegion += 1);
    if (name.path === null && this.options.regions !== true) return void (status.refused += 1);
    status.evicted += 1;
    this.evict(cache, name.path === null ? [region.wantedClear()] : region.wantedKeys(region.keysOfPath(name.path)));
  }

  private evict(cache: CacheEngine, wanted: readonly Wanted[]): void {
    void cache.writer.send(wanted).then((outcome) => {
      // what was queued is sent until it is acknowledged; of the rest somebody has to know
      if (outcome.kind === 'lost') this.logger.error(outcome.why.message);
    });
  }
}
