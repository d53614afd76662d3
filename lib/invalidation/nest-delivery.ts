import type { Delivery } from './delivery.js';
import { isKafkaContext, kafkaDelivery, textHeaders } from './kafka-delivery.js';
import type { Lag } from './lag.js';

interface RabbitLikeChannel {
  ack(message: unknown): void;
  nack(message: unknown, allUpTo: boolean, requeue: boolean): void;
}

/** What Nest's contexts of the other transports have between them. */
interface OtherContext {
  getChannel?(): unknown;
  getSubject?(): unknown;
  getTopic?(): unknown;
  getPattern?(): unknown;
  getChannelRef?(): RabbitLikeChannel;
  getMessage?(): { properties?: { headers?: Record<string, unknown>; timestamp?: unknown } };
  getHeaders?(): unknown;
}

/**
 * @param payload what Nest made of the message
 * @param context of the transport, told by its shape: the application's copy of Nest is not ours
 * @param acknowledges RabbitMQ's `noAck: false`: messages wait for an answer
 */
export function deliveryOf(payload: unknown, context: unknown, lag: Lag, acknowledges: boolean): Delivery {
  const of = (context ?? {}) as OtherContext;
  if (isKafkaContext(of)) return kafkaDelivery(payload, of, lag);
  const channel = String(of.getChannel?.() ?? of.getSubject?.() ?? of.getTopic?.() ?? of.getPattern?.() ?? '');
  const rabbit = acknowledges ? of.getChannelRef?.() : undefined;
  return {
    channel,
    payload: payload ?? '',
    raw: payload ?? '',
    key: null,
    headers: headersOf(of),
    timestampMs: null,
    place: `a message on "${channel}"`,
    hold: rabbit ? { heartbeat: async () => {} } : null,
    acknowledge: () => rabbit?.ack(of.getMessage?.()),
    giveBack: () => rabbit?.nack(of.getMessage?.(), false, true),
    send: null,
  };
}

function headersOf(context: OtherContext): Record<string, string> {
  if (context.getChannelRef) return textHeaders(context.getMessage?.()?.properties?.headers);
  const headers = context.getHeaders?.() as { keys?(): Iterable<string>; get?(name: string): unknown } | undefined;
  if (typeof headers?.keys !== 'function' || typeof headers.get !== 'function') return {};
  return textHeaders(Object.fromEntries([...headers.keys()].map((name) => [name, headers.get!(name)])));
}
