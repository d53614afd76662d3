import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Admin, type Consumer, Kafka, type KafkaMessage, logLevel, type Producer } from 'kafkajs';
import { waitUntil } from '../support/servers/processes.js';
import { sharedKafka, unique } from '../support/servers/kafka.js';

const kafka = await sharedKafka();
const describeWithKafka = kafka.brokers ? describe : describe.skip;
const itIsReal = kafka.isReal ? it : it.skip;
const unlessReal = kafka.isReal ? '' : ` (not here: ${kafka.reason})`;

describeWithKafka(`the Kafka broker of the tests (${kafka.reason})`, () => {
  let client: Kafka;
  let producer: Producer;
  let admin: Admin;
  const consumers: Consumer[] = [];

  beforeAll(async () => {
    client = new Kafka({
      clientId: 'tests',
      brokers: [...kafka.brokers!],
      logLevel: logLevel.NOTHING,
      retry: { retries: 8, initialRetryTime: 100 },
    });
    producer = client.producer();
    admin = client.admin();
    await Promise.all([producer.connect(), admin.connect()]);
  });
  afterAll(async () => {
    await Promise.all([...consumers, producer, admin].map((one) => one?.disconnect()));
  });

  /** Joins the group; `messages` grows as they come. */
  async function consume(
    topic: string,
    groupId = unique('group'),
  ): Promise<{ messages: KafkaMessage[]; of: Consumer }> {
    const quick = { sessionTimeout: 6_000, rebalanceTimeout: 6_000, heartbeatInterval: 300, maxWaitTimeInMs: 100 };
    const consumer = client.consumer({ groupId, ...quick });
    consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const messages: KafkaMessage[] = [];
    await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) });
    return { messages, of: consumer };
  }

  it('takes messages with keys, headers and tombstones, and gives them out in the order of their key', async () => {
    const topic = unique('events');
    const values = Array.from({ length: 20 }, (_, n) => `event ${n}`);
    await producer.send({
      topic,
      messages: [...values.map((value) => ({ key: '7', value, headers: { type: 'E' } })), { key: '7', value: null }],
    });
    const { messages } = await consume(topic);
    await waitUntil(() => messages.length === 21, { what: 'all messages' });
    expect(messages.map(({ value }) => value?.toString())).toEqual([...values, undefined]);
    expect(messages[0]!.headers!['type']!.toString()).toBe('E');
  });

  it('keeps what a group has committed: its next member starts behind it', async () => {
    const [topic, group] = [unique('events'), unique('group')];
    await producer.send({ topic, messages: [{ key: 'a', value: 'first' }] });
    const first = await consume(topic, group);
    await waitUntil(() => first.messages.length === 1, { what: 'the first message' });
    await first.of.disconnect();
    await producer.send({ topic, messages: [{ key: 'a', value: 'second' }] });
    const { messages } = await consume(topic, group);
    await waitUntil(() => messages.length > 0, { what: 'the second message' });
    expect(messages.map(({ value }) => value!.toString())).toEqual(['second']);
  });

  itIsReal(`makes topics of as many partitions as asked for${unlessReal}`, async () => {
    const topic = unique('partitioned');
    await admin.createTopics({ topics: [{ topic, numPartitions: 6 }], waitForLeaders: true });
    // the metadata names a leader before that one knows of it, and this call is not tried again
    expect(await waitUntil(() => admin.fetchTopicOffsets(topic))).toHaveLength(6);
  });

  itIsReal(`serves idempotent producers and transactions${unlessReal}`, async () => {
    const topic = unique('transactions');
    const transactional = client.producer({ transactionalId: unique('tx'), idempotent: true, maxInFlightRequests: 1 });
    await transactional.connect();
    for (const end of ['abort', 'commit'] as const) {
      const transaction = await transactional.transaction();
      await transaction.send({ topic, messages: [{ key: 'a', value: end }] });
      await transaction[end]();
    }
    await transactional.disconnect();
    const { messages } = await consume(topic);
    await waitUntil(() => messages.length > 0, { what: 'what was committed' });
    expect(messages.map(({ value }) => value!.toString())).toEqual(['commit']);
  });
});
