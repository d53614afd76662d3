import type { Transport } from '@nestjs/microservices';
import { checkShape } from '../options/check-shape.js';
import { checkName } from '../options/names.js';
import { eventSchemas } from '../options/operation-schema.js';
import type { EventMap, EventName, InvalidateOnOptions } from '../operations/invalidation-rule.js';
import type { CacheError } from '../shared/errors.js';

/** Which events invalidate what, for rules that stand on no class. @publicApi */
// oxlint-disable-next-line typescript/no-explicit-any -- as EventMap
export interface EventRule<Event = any> extends InvalidateOnOptions {
  /** The type of the event, or the topic, channel or subject by which it comes; `*` stands for any characters. */
  on: EventName | readonly EventName[];
  /** Pure, at once and total. */
  map: EventMap<Event>;
}

/** A message that could not be understood or mapped. @publicApi */
export interface DeadLetter {
  /** Why: RC_INVALID_EVENT, RC_INVALID_KEY, RC_OPTION_FUNCTION … Never holds content of the message. */
  readonly error: CacheError;
  readonly channel: string;
  /** Where it can be found again: `topic "users", partition 3, offset 17`. */
  readonly place: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** As it came, as far as Nest left it so: what is JSON is written anew. */
  readonly value: string | Buffer | null;
}

/** @publicApi */
export interface PlainChannelOptions {
  /** @default 'cache:invalidate' */
  channel?: string;
  /** Whether a message may name a whole region, as `user:profile`. @default false */
  regions?: boolean;
}

/** Options of `RedisCacheEventsModule`. @publicApi */
export interface RedisCacheEventsOptions {
  /** Beside those that `@InvalidateOn` declares. */
  rules?: readonly EventRule[];
  /**
   * What handlers listen to: Kafka topics, channels, subjects; a RegExp on Kafka only.
   *
   * @default the names of all rules
   */
  patterns?: readonly (string | RegExp)[];
  /** The one transport to listen on, such as `Transport.KAFKA`. @default every one that is connected */
  transport?: Transport | symbol;
  /** Where the type of an event stands, in the event or its headers; dots lead inside. @default 'type' */
  typeField?: string;
  /** Where messages go that cannot be understood or mapped: a Kafka topic, or a function. @default the log */
  deadLetters?: string | ((letter: DeadLetter) => void | Promise<void>);
  /** `PUBLISH cache:invalidate "user:profile:9876"` on the Redis of each cache. @default true */
  plainChannel?: boolean | PlainChannelOptions;
  /** RabbitMQ with `noAck: false`: a message is acknowledged when its evictions were. @default false */
  acknowledge?: boolean;
}

/** @throws CacheError RC_INVALID_OPTION */
export function checkEventsOptions(options: RedisCacheEventsOptions): RedisCacheEventsOptions {
  const { entries } = eventSchemas.module;
  checkShape(eventSchemas.module, options, {
    root: 'The options of RedisCacheEventsModule',
    prefix: 'RedisCacheEventsModule: ',
    namesAt: (path) => (path.length <= 1 ? Object.keys(entries) : ['on', 'map', 'cache', 'region', 'tombstone']),
    missing: {
      on: "the name of an event, such as { on: 'UserUpdated', … }",
      map: 'a function of the event, such as (event) => ({ key: event.userId })',
    },
  });
  for (const { cache, region } of options.rules ?? []) {
    if (cache !== undefined) checkName('RedisCacheEventsModule: the cache of a rule', cache);
    if (region !== undefined) checkName('RedisCacheEventsModule: the region of a rule', region);
  }
  return options;
}
