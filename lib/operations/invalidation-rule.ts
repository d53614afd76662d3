import type { Version } from '../entries/version.js';
import type { KeyValue } from '../keys/key-segment.js';

/** What is known of an event beside its content. @publicApi */
export interface EventInfo {
  /**
   * Its name, from the field that holds it, or from the header of that name; null: it has none, and goes by its
   * channel.
   */
  readonly type: string | null;
  /** Where it came: the topic, channel, subject or pattern. */
  readonly channel: string;
  /** The key of a Kafka message. */
  readonly key: string | null;
  /** Headers that are text. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it was published, or happened, ms since the epoch, as its sender says; null: nothing tells. */
  readonly timestampMs: number | null;
}

/** What one event invalidates. At least one of `key`, `keys`, `tags` and `allEntries`. @publicApi */
export interface Invalidation {
  /** Name of the cache. @default that of the rule */
  readonly cache?: string;
  /** Name of the region. @default that of the rule; on a method that of its `@Cacheable` */
  readonly region?: string;
  /** As the key of the `@Cacheable` that reads it. */
  readonly key?: KeyValue;
  readonly keys?: readonly KeyValue[];
  /** All entries of the cache, in whatever region, that carry one of these. */
  readonly tags?: readonly string[];
  /** The whole region, in constant time. */
  readonly allEntries?: boolean;
  /**
   * An entry of this version or a newer one stays, and an older one is not put for a while: late events and duplicates
   * do nothing.
   */
  readonly version?: Version;
  /**
   * True: what is cached may still be served as stale while it is reloaded, in regions with a stale window. Of all
   * evictions of the event, or of none.
   */
  readonly soft?: boolean;
  /** The new value, which is put instead of evicting `key`: needs a `version`. */
  readonly put?: unknown;
}

/** What a rule answers; null: this event does not concern the cache. */
export type Mapped = Invalidation | readonly Invalidation[] | null;

/** From an event to what it invalidates: pure, at once, and total. @publicApi */
// oxlint-disable-next-line typescript/no-explicit-any -- what its sender made; the rule says what it expects
export type EventMap<Event = any> = (event: Event, info: EventInfo) => Mapped;

/** How a rule of `@InvalidateOn` differs from its method or class. @publicApi */
export interface InvalidateOnOptions {
  /** Name of the cache. @default that of the method's `@Cacheable`, else of `@CacheConfig` */
  cache?: string;
  /** Name of the region. @default that of the method's `@Cacheable`, else of `@CacheConfig`, else the class's name */
  region?: string;
  /** What a Kafka message without a value says, which has a key only. @default it is counted, and nothing is done */
  tombstone?: (info: EventInfo) => Mapped;
}

/** The name of an event: its type or its channel, with `*` for any characters; or what it must match. */
export type EventName = string | RegExp;

/** A rule as its class declares it. */
export interface DeclaredRule {
  readonly names: readonly EventName[];
  readonly map: EventMap;
  readonly options: Readonly<InvalidateOnOptions>;
  /** The method it stands on; null: the class. */
  readonly method: string | symbol | null;
  /** `UsersService.summary`, for messages. */
  readonly where: string;
}
