import type { Delivery } from './delivery.js';
import type { Lag } from './lag.js';

/** What the consumer needs of Nest's KafkaContext: its shape, and no client of Kafka. */
export interface KafkaLikeContext {
  getTopic(): string;
  getPartition(): number;
  getMessage(): {
    key?: unknown;
    value?: unknown;
    headers?: Record<string, unknown>;
    timestamp?: string;
    offset?: string;
  };
  getConsumer(): unknown;
  getHeartbeat(): () => Promise<void>;
  getProducer(): KafkaLikeProducer | undefined;
}

interface KafkaLikeProducer {
  send(record: { topic: string; messages: readonly object[] }): Promise<unknown>;
}

export function isKafkaContext(context: unknown): context is KafkaLikeContext {
  const { getTopic, getPartition, getHeartbeat } = context as Partial<KafkaLikeContext>;
  return [getTopic, getPartition, getHeartbeat].every((method) => typeof method === 'function');
}

/**
 * A message of Nest's Kafka transport. Its offset is committed once its handler has resolved, so that not to resolve
 * holds it, and with it its partition: that is the pause. The heartbeat keeps the consumer in its group meanwhile.
 *
 * @param payload what the transport's deserializer made of the message
 */
export function kafkaDelivery(payload: unknown, context: KafkaLikeContext, lag: Lag): Delivery {
  const message = context.getMessage();
  const channel = context.getTopic();
  const partition = context.getPartition();
  const timestampMs = Number(message.timestamp);
  lag.watch(context.getConsumer());
  return {
    channel,
    payload: payloadOf(payload, message),
    raw: message.value ?? null,
    key: message.key == null ? null : textOf(message.key),
    headers: textHeaders(message.headers),
    timestampMs:
      message.timestamp !== undefined && Number.isFinite(timestampMs) && timestampMs > 0 ? timestampMs : null,
    place: `topic "${channel}", partition ${partition}, offset ${message.offset}`,
    hold: { heartbeat: () => context.getHeartbeat()() },
    acknowledge: () => {},
    giveBack: () => {},
    send: async (topic, { key, value, headers }) => {
      const producer = context.getProducer();
      if (!producer) throw new Error('the transport has no producer (producerOnlyMode, or an older Nest)');
      await producer.send({ topic, messages: [{ key, value, headers }] });
    },
  };
}

/** Null for a tombstone alone, whatever a deserializer makes of one: Nest's own gives the whole message. */
function payloadOf(payload: unknown, message: { readonly value?: unknown }): unknown {
  if (message.value == null) return null;
  return payload === message ? message.value : (payload ?? '');
}

/** Nest parses keys that look like JSON. */
function textOf(key: unknown): string {
  return typeof key === 'string' ? key : Buffer.isBuffer(key) ? key.toString('utf8') : JSON.stringify(key);
}

export function textHeaders(headers: Readonly<Record<string, unknown>> | undefined): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value === 'string') texts[name] = value;
    else if (Buffer.isBuffer(value)) texts[name] = value.toString('utf8');
  }
  return texts;
}
