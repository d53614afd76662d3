import { engineOf } from '../../../lib/cache/redis-cache.js';
import type { CacheFinder } from '../../../lib/application/cache-registry.js';
import type { DeclaredMethods } from '../../../lib/application/declared-methods.js';
import { DeadLetters } from '../../../lib/invalidation/dead-letters.js';
import type { Delivery, OutgoingMessage } from '../../../lib/invalidation/delivery.js';
import { EventConsumer } from '../../../lib/invalidation/event-consumer.js';
import type { DeadLetter, EventRule, RedisCacheEventsOptions } from '../../../lib/invalidation/events-options.js';
import { EventCounts } from '../../../lib/invalidation/events-status.js';
import { bindRules } from '../../../lib/invalidation/rule-book.js';
import { WaitingRoom } from '../../../lib/invalidation/waiting-room.js';
import { CacheError } from '../../../lib/shared/errors.js';
import type { Instance, World } from '../../support/a-cache.js';

/** 2026-03-16T08:45:12Z, when the events of the tests happen. */
export const NOW = Date.UTC(2026, 2, 16, 8, 45, 12);

/** A consumer of events over one instance of a cache, and what it did. */
export class Consumer {
  readonly counts = new EventCounts();
  readonly letters: DeadLetter[] = [];
  readonly log: string[] = [];
  readonly room: WaitingRoom;
  heartbeats = 0;
  nowMs = NOW;
  private readonly consumer: EventConsumer;

  constructor(
    world: World,
    readonly instance: Instance,
    rules: readonly EventRule[],
    {
      typeField = 'type',
      prototypes = [] as readonly object[],
      deadLetters = undefined as RedisCacheEventsOptions['deadLetters'],
    } = {},
  ) {
    const write = (message: string) => void this.log.push(message);
    const logger = { log: write, warn: write, error: write, debug() {} };
    const caches: CacheFinder = {
      find: (name) => {
        if (name === 'default') return instance.cache;
        throw new CacheError('RC_MODULE_MISSING', `no cache "${name}"`);
      },
    };
    const declared = { prototypes: () => new Set(prototypes) } as Pick<DeclaredMethods, 'prototypes'>;
    const bound = bindRules(rules, declared, caches);
    this.room = new WaitingRoom(world.clock, logger);
    this.consumer = new EventConsumer({
      rules: () => bound,
      caches,
      typeField,
      counts: this.counts,
      deadLetters: new DeadLetters(
        deadLetters ?? ((letter) => void this.letters.push(letter)),
        this.counts,
        logger,
        world.clock,
      ),
      room: this.room,
      nowMs: () => this.nowMs,
    });
  }

  /** @param held true: the transport keeps the message until it was handled */
  give(payload: unknown, delivery: Partial<Delivery> & { held?: boolean } = {}): Promise<void> {
    const { held = false, ...rest } = delivery;
    return this.consumer.handle({
      channel: 'user-events',
      payload,
      raw: payload,
      key: null,
      headers: {},
      timestampMs: null,
      place: 'a place',
      hold: held ? { heartbeat: async () => void (this.heartbeats += 1) } : null,
      acknowledge: () => {},
      giveBack: () => {},
      send: null,
      ...rest,
    });
  }

  region(name: string) {
    return engineOf(this.instance.cache).region(name);
  }

  get reasons(): string[] {
    return this.letters.map(({ error }) => error.code);
  }
}

/** A transport with topics, that keeps what it was sent. */
export function topics() {
  const sent: { topic: string; message: OutgoingMessage }[] = [];
  return {
    sent,
    send: async (topic: string, message: OutgoingMessage) => void sent.push({ topic, message }),
  };
}
