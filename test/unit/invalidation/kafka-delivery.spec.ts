import { describe, expect, it } from '@jest/globals';
import { type KafkaLikeContext, kafkaDelivery } from '../../../lib/invalidation/kafka-delivery.js';
import { Lag } from '../../../lib/invalidation/lag.js';

/** @param value as Nest's parser left it @param read what a deserializer made of the message */
function deliveryOf(value: unknown, read: (message: object) => unknown) {
  const message = { key: 'k', value, headers: {}, offset: '1' };
  const context: KafkaLikeContext = {
    getTopic: () => 'users',
    getPartition: () => 0,
    getMessage: () => message,
    getConsumer: () => undefined,
    getHeartbeat: () => async () => {},
    getProducer: () => undefined,
  };
  return kafkaDelivery(read(message), context, new Lag());
}

describe('a message from Kafka', () => {
  const bytes = Buffer.from([0, 0, 0, 0, 7, 9]);

  it('is what the deserializer made of it; a dead letter holds its bytes', () => {
    const event = { type: 'UserUpdated', userId: 1 };
    expect(deliveryOf(bytes, () => event)).toMatchObject({ payload: event, raw: bytes });
  });

  it.each<[string, (message: object) => unknown]>([
    ['the message, as that of Nest does', (message) => message],
    ['null', () => null],
    ['something', () => ({ type: 'UserDeleted' })],
  ])('is a tombstone where it has no value, also where the deserializer makes %s of it', (_name, read) => {
    expect(deliveryOf(null, read)).toMatchObject({ payload: null, raw: null });
  });

  it('is its value where the deserializer hands on the message, and no tombstone where it makes nothing of it', () => {
    expect(deliveryOf(bytes, (message) => message).payload).toBe(bytes);
    expect(deliveryOf(bytes, () => undefined).payload).toBe('');
  });
});
