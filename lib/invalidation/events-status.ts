/** What became of messages on the plain channel, since the start; of all caches together. @publicApi */
export interface PlainChannelStatus {
  received: number;
  /** Names whose keys, or region, were evicted, or queued because Redis is away. */
  evicted: number;
  /** Names of other services, and texts that are no names. */
  foreign: number;
  /** Names of this service in a region that nothing here uses. */
  unknownRegion: number;
  /** Names of a whole region, which the option `regions` would allow. */
  refused: number;
  /** How often a connection was lost: what was published until it was back is missed. */
  connectionLosses: number;
  /** Caches that listen now. */
  listening: number;
}

/** What `RedisCacheEvents.status()` tells: plain data, no content of events. Counts are since the start. @publicApi */
export interface EventsStatus {
  /** Messages that handlers were given, those given again among them. */
  readonly received: number;
  /** Messages whose evictions Redis acknowledged. */
  readonly applied: number;
  /** Messages for which no rule is, or that their rules answered with null. */
  readonly ignored: number;
  /** Messages without a value, for which no rule is. */
  readonly tombstones: number;
  /** Messages that could not be understood or mapped; whatever could be, was done. */
  readonly deadLetters: number;
  /** Of these, those that the dead-letter topic or function did not take. They are in the log. */
  readonly deadLettersLost: number;
  /** Versions that are none, or lie ahead: their events evicted whatever version stood. */
  readonly badVersions: number;
  /** Messages of transports that hold nothing back whose evictions wait in the cache's journal, since the start. */
  readonly queued: number;
  /** Messages that are held back now, since Redis does not acknowledge: their partitions wait. */
  readonly waiting: number;
  /** For how long the oldest of them has waited, ms; null: none. */
  readonly waitingMs: number | null;
  /** From publishing to the acknowledged eviction, by two hosts' clocks, ms; null: no message told its time. */
  readonly delay: { readonly lastMs: number; readonly maxMs: number } | null;
  /** Kafka: messages behind, by `topic/partition`, of the partitions that this instance has. */
  readonly lag: Readonly<Record<string, number>>;
  /**
   * Losses of the microservices that `watch` was given: what was published meanwhile is missed, except on Kafka and
   * RabbitMQ.
   */
  readonly connectionLosses: number;
  /** Null: off. */
  readonly plainChannel: Readonly<PlainChannelStatus> | null;
}

/** As counted. */
export class EventCounts {
  received = 0;
  applied = 0;
  ignored = 0;
  tombstones = 0;
  deadLetters = 0;
  deadLettersLost = 0;
  badVersions = 0;
  queued = 0;
  connectionLosses = 0;
  delay: { lastMs: number; maxMs: number } | null = null;

  noteDelay(ms: number): void {
    const lastMs = Math.max(0, ms);
    this.delay = { lastMs, maxMs: Math.max(lastMs, this.delay?.maxMs ?? 0) };
  }
}
