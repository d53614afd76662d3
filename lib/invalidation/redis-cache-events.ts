import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { CacheRegistry } from '../application/cache-registry.js';
import { DeclaredMethods } from '../application/declared-methods.js';
import { engineOf } from '../cache/redis-cache.js';
import { systemClock } from '../shared/clock.js';
import { DeadLetters } from './dead-letters.js';
import { EventConsumer } from './event-consumer.js';
import { EVENTS_OPTIONS } from './events.module-definition.js';
import { checkEventsOptions, type RedisCacheEventsOptions } from './events-options.js';
import { EventCounts, type EventsStatus } from './events-status.js';
import { Lag } from './lag.js';
import type { Delivery } from './delivery.js';
import { deliveryOf } from './nest-delivery.js';
import { PlainChannel } from './plain-channel.js';
import { type BoundRule, bindRules, namesOfRules } from './rule-book.js';
import { WaitingRoom } from './waiting-room.js';

/** What `watch` needs of a microservice, as `app.connectMicroservice` returns it. @publicApi */
export interface WatchedMicroservice {
  readonly status: { subscribe(next: (status: unknown) => void): unknown };
}

const LOST: readonly unknown[] = ['disconnected', 'reconnecting', 'crashed'];

/**
 * Events at work: inject it to ask for its status.
 *
 * @publicApi
 */
@Injectable()
export class RedisCacheEvents implements OnModuleInit, BeforeApplicationShutdown {
  private readonly options: RedisCacheEventsOptions;
  private readonly counts = new EventCounts();
  private readonly lag = new Lag();
  private readonly room: WaitingRoom;
  private readonly consumer: EventConsumer;
  private readonly plain: PlainChannel | null;
  private rules: readonly BoundRule[] | null = null;

  /** @internal Made by the module. @throws CacheError RC_INVALID_OPTION */
  constructor(
    @Inject(EVENTS_OPTIONS) options: RedisCacheEventsOptions,
    private readonly caches: CacheRegistry,
    private readonly declared: DeclaredMethods,
  ) {
    const logger = new Logger('RedisCacheEvents');
    this.options = checkEventsOptions(options);
    const { typeField = 'type', deadLetters, plainChannel = true } = options;
    this.room = new WaitingRoom(systemClock, logger);
    this.consumer = new EventConsumer({
      rules: () => this.boundRules(),
      caches,
      typeField,
      counts: this.counts,
      deadLetters: new DeadLetters(deadLetters, this.counts, logger, systemClock),
      room: this.room,
      nowMs: () => Date.now(),
    });
    this.plain = plainChannel === false ? null : new PlainChannel(plainChannel === true ? {} : plainChannel, logger);
  }

  status(): EventsStatus {
    const { counts, room } = this;
    return {
      received: counts.received,
      applied: counts.applied,
      ignored: counts.ignored,
      tombstones: counts.tombstones,
      deadLetters: counts.deadLetters,
      deadLettersLost: counts.deadLettersLost,
      badVersions: counts.badVersions,
      queued: counts.queued,
      waiting: room.size,
      waitingMs: room.longestMs,
      delay: counts.delay && { ...counts.delay },
      lag: this.lag.snapshot(),
      connectionLosses: counts.connectionLosses,
      plainChannel: this.plain && { ...this.plain.status },
    };
  }

  /**
   * Counts the losses of its connection: `events.watch(app.connectMicroservice({ transport: Transport.REDIS, … }))`.
   */
  watch(microservice: WatchedMicroservice): void {
    let isLost = false;
    microservice.status.subscribe((status) => {
      const lost = LOST.includes(status);
      if (lost && !isLost) this.counts.connectionLosses += 1;
      isLost = lost;
    });
  }

  /** @internal What the handlers listen to. */
  get patterns(): readonly (string | RegExp)[] {
    return this.options.patterns ?? namesOfRules(this.options.rules ?? [], this.declared);
  }

  /** @internal */
  get transport(): RedisCacheEventsOptions['transport'] {
    return this.options.transport;
  }

  /** @internal Handles a message of a Nest transport. */
  handle(payload: unknown, context: unknown): Promise<void> {
    return this.deliver(deliveryOf(payload, context, this.lag, this.options.acknowledge ?? false));
  }

  /** @internal Handles a message, however it came. */
  deliver(delivery: Delivery): Promise<void> {
    return this.consumer.handle(delivery);
  }

  /** Called by Nest. @throws CacheError RC_MODULE_MISSING for a rule of a cache that the application has not */
  onModuleInit(): void {
    this.boundRules();
    for (const { cache } of this.caches.all()) this.plain?.listen(engineOf(cache));
  }

  /** Called by Nest. The listeners close next: who waits for Redis would hold them up. */
  beforeApplicationShutdown(): void {
    this.room.end();
  }

  private boundRules(): readonly BoundRule[] {
    return (this.rules ??= bindRules(this.options.rules ?? [], this.declared, this.caches));
  }
}
