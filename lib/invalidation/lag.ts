/** What the lag needs of a consumer: kafkajs has it, and another client may. */
interface ObservableConsumer {
  on(event: string, listener: (event: { payload: Record<string, unknown> }) => void): unknown;
}

/** How far this instance is behind, by partition, as its Kafka consumer tells with each batch. */
export class Lag {
  private readonly partitions = new Map<string, number>();
  private readonly watched = new WeakSet<object>();

  /** From now on; once per consumer. */
  watch(consumer: unknown): void {
    if (typeof (consumer as Partial<ObservableConsumer> | null)?.on !== 'function') return;
    if (this.watched.has(consumer as object)) return;
    this.watched.add(consumer as object);
    const { on } = consumer as ObservableConsumer;
    const note = (of: string) => (event: { payload: Record<string, unknown> }) => {
      const { topic, partition } = event.payload;
      const lag = Number(event.payload[of]);
      if (Number.isFinite(lag)) this.partitions.set(`${String(topic)}/${String(partition)}`, lag);
    };
    try {
      on.call(consumer, 'consumer.start_batch_process', note('offsetLagLow'));
      on.call(consumer, 'consumer.end_batch_process', note('offsetLag'));
      // partitions that went to others say nothing any more
      on.call(consumer, 'consumer.group_join', () => this.partitions.clear());
    } catch {
      // a client that has no such events tells no lag
    }
  }

  /** Messages, by `topic/partition`. */
  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.partitions);
  }
}
