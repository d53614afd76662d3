import { type Broker, startAnyBroker, startBroker } from '../kafka/broker.mjs';
import { atEnd } from './processes.js';

export interface SharedKafka {
  /** host:port. Undefined: there is none, and {@link reason} says why. */
  readonly brokers: readonly string[] | undefined;
  /** False: there is none, or a mock. */
  readonly isReal: boolean;
  /** What it is; when it is not a real broker, why not, for the name of the test that skips. */
  readonly reason: string;
}

let own: Promise<SharedKafka> | undefined;

/**
 * The broker that all suites of a run share: that of KAFKA_BROKERS, else Apache Kafka, else a mock. It starts when it
 * is first asked for (3 to 7 s). Topics and groups need names of their own: {@link unique}.
 */
export function sharedKafka(): Promise<SharedKafka> {
  return (own ??= process.env['KAFKA_KEEPER'] ? askKeeper(process.env['KAFKA_KEEPER']) : startOwn());
}

/** A broker of the caller's own: to kill it (`pid`), to freeze it. */
export async function startKafka(): Promise<Broker> {
  const broker = await startBroker();
  atEnd(() => broker.stop());
  return broker;
}

let serial = 0;

/** A name that no other suite and no earlier run has used. */
export function unique(name: string): string {
  serial += 1;
  return `${name}-${process.pid}-${Date.now().toString(36)}-${serial}`;
}

async function askKeeper(url: string): Promise<SharedKafka> {
  const answer = await fetch(url, { headers: { connection: 'close' } });
  if (!answer.ok) throw new Error(await answer.text());
  const { broker, skipped } = (await answer.json()) as { broker?: Broker; skipped: string[] };
  return described(broker, skipped);
}

/** Outside jest: scripts. */
async function startOwn(): Promise<SharedKafka> {
  const skipped: string[] = [];
  const broker = await startAnyBroker({ onSkip: (reason) => skipped.push(reason) });
  if (broker) atEnd(() => broker.stop());
  return described(broker, skipped);
}

function described(broker: Broker | undefined, skipped: readonly string[]): SharedKafka {
  const names = [...(broker ? [broker.name] : []), ...skipped];
  return { brokers: broker?.brokers, isReal: broker?.isReal ?? false, reason: names.join('; ') };
}
