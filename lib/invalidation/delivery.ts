/**
 * A message as a transport delivered it, and what that transport lets its receiver do: all that the consumer knows of
 * transports. Another client of a broker takes its place here, and nowhere else.
 */
export interface Delivery {
  /** The topic, channel, subject or pattern. */
  readonly channel: string;
  /** Parsed, text or bytes; null: a message without a value (Kafka's tombstone). */
  readonly payload: unknown;
  /**
   * What `payload` was made of, as far as the transport lets it be seen: a dead letter holds it, so that it can be sent
   * again.
   */
  readonly raw: unknown;
  readonly key: string | null;
  /** Those that are text. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it was published; null: the transport does not say. */
  readonly timestampMs: number | null;
  /** Where it can be found again, for messages: `topic "users", partition 3, offset 17`. */
  readonly place: string;
  /** Null: at most once, so that holding it back saves nothing. */
  readonly hold: Hold | null;
  /** It was handled, and need not come again. */
  readonly acknowledge: () => void;
  /** It was not, and shall come again at once where the transport can. */
  readonly giveBack: () => void;
  /** Sends something to a topic of the same broker; null: the transport has none. */
  readonly send: ((topic: string, message: OutgoingMessage) => Promise<void>) | null;
}

/** A message that stays with the broker until it was acknowledged. */
export interface Hold {
  /** Tells the broker that its receiver lives. @throws what says that the message is somebody else's now */
  heartbeat(): Promise<void>;
}

export interface OutgoingMessage {
  readonly key: string | null;
  readonly value: string | Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}
