// Events through a real broker, with duplicates, out of order, under kills of consumers and outages of Redis; then
// every key of every instance against the oracle. Ends with 1 when a key is older than its last event, or when an event
// was lost.
//
//   npm run events:soak -- --events 1000000 --partitions 8 --kills 20 --outages 5
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import { startRedis } from '../../dist-history/test/support/servers/redis.js';
import { sleep, track, waitUntil } from '../../dist-history/test/support/servers/processes.js';
import { startAnyBroker } from '../support/kafka/broker.mjs';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    keys: { type: 'string', default: '20000' },
    partitions: { type: 'string', default: '8' },
    consumers: { type: 'string', default: '2' },
    // of all events, sent once more
    duplicates: { type: 'string', default: '0.3' },
    // events among which an event may change its place
    window: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '20' },
    outages: { type: 'string', default: '5' },
    // reads under way in each consumer, by which there is something to evict
    readers: { type: 'string', default: '4' },
  },
});
const options = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
const { events, keys, partitions, consumers, duplicates, window, kills, outages, readers } = options;

const broker = await startAnyBroker({ onSkip: (reason) => console.log(reason) });
if (!broker?.isReal) throw new Error('The soak needs a real broker: set KAFKA_BROKERS, or install Java 17 and Maven.');
// evictions survive a kill of this one only as far as its identity tells that it was another process
const redis = await startRedis();
let current = redis;
const truth = await startRedis();
const source = new Redis(truth.url);
const topic = `users-${process.pid}`;
const group = `soak-${process.pid}`;
const kafka = new kafkajs.Kafka({
  brokers: broker.brokers,
  logLevel: kafkajs.logLevel.NOTHING,
  retry: { retries: 10 },
});
const producer = kafka.producer();
const admin = kafka.admin();
await Promise.all([producer.connect(), admin.connect()]);
await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });

const workers = new Map();
const totals = { kills: 0, outages: 0, crashes: 0, received: 0, applied: 0, deadLetters: 0, reads: 0 };
let isEnding = false;

async function startWorker(name) {
  const settings = {
    brokers: broker.brokers,
    topic,
    group,
    redis: redis.url,
    truth: truth.url,
    keys,
    partitions,
    readers,
  };
  const child = track(fork(join(import.meta.dirname, 'soak-worker.mjs'), [JSON.stringify(settings)]));
  workers.set(name, child);
  child.on('message', (message) => child.emit(message.kind, message.value));
  child.on('exit', (code, signal) => {
    if (signal !== 'SIGKILL' && !isEnding) totals.crashes += 1;
  });
  await Promise.race([once(child, 'ready'), once(child, 'exit')]);
}

function ask(child, kind) {
  const answer = Promise.race([once(child, kind).then(([value]) => value), once(child, 'exit').then(() => null)]);
  child.send({ kind });
  return answer;
}

async function collect(child) {
  const status = await ask(child, 'status');
  if (status) for (const name of ['received', 'applied', 'deadLetters', 'reads']) totals[name] += status[name];
}

/** Sends all events: the source first, then the event, with duplicates, within the window in any order. */
async function publish() {
  const latest = new Array(keys).fill(0);
  let sent = 0;
  let waiting = [];
  const flush = async (down) => {
    while (waiting.length > down) {
      const batch = [];
      for (let n = 0; n < 1_000 && waiting.length > 0; n++) {
        const at = Math.floor(Math.random() * waiting.length);
        batch.push(waiting[at]);
        waiting[at] = waiting.at(-1);
        waiting.pop();
      }
      await producer.send({ topic, acks: 1, messages: batch });
      sent += batch.length;
    }
  };
  for (let from = 0; from < events; from += 1_000) {
    const changes = {};
    for (let n = from; n < Math.min(events, from + 1_000); n++) {
      const userId = Math.floor(Math.random() * keys);
      const version = ++latest[userId];
      changes[userId] = version;
      const value = JSON.stringify({ type: 'UserUpdated', userId, version });
      waiting.push({ value });
      if (Math.random() < duplicates) waiting.push({ value });
    }
    await source.hset('truth', changes);
    if (waiting.length > window) await flush(window / 2);
  }
  await flush(0);
  return { latest, sent };
}

async function behind() {
  const [committed] = await admin.fetchOffsets({ groupId: `${group}-server`, topics: [topic] });
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]));
  return committed.partitions.reduce(
    (sum, { partition, offset }) => sum + ends.get(partition) - Math.max(0, Number(offset)),
    0,
  );
}

/** Until all is published and handled: kills and outages, evenly. */
async function disturb(progress) {
  const acts = [...Array(kills).fill('kill'), ...Array(outages).fill('outage')].sort(() => Math.random() - 0.5);
  for (let n = 0; n < acts.length; n++) {
    await waitUntil(() => progress() > (n + 0.5) / (acts.length + 1), { timeoutMs: 3_600_000, everyMs: 100 });
    if (acts[n] === 'kill') {
      const [name, child] = [...workers][Math.floor(Math.random() * workers.size)];
      await collect(child);
      child.kill('SIGKILL');
      totals.kills += 1;
      await startWorker(name);
    } else {
      totals.outages += 1;
      if (totals.outages % 2 === 1) {
        current.freeze();
        await sleep(2_000 + Math.random() * 2_000);
        current.thaw();
      } else {
        await current.stop('SIGKILL');
        await sleep(1_000 + Math.random() * 2_000);
        current = await current.restart();
      }
    }
  }
}

// nothing disturbs: how fast they are handled is asked, so they lie there before anybody consumes
let published = kills + outages === 0 ? await publish() : undefined;
const beganAt = performance.now();
await Promise.all(Array.from({ length: consumers }, (_, n) => startWorker(`consumer ${n}`)));
let lag = Infinity;
const publishing = published ? Promise.resolve() : publish().then((result) => (published = result));
let handled = 0;
const measuring = setInterval(async () => {
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    lag = await behind();
    handled = ends.reduce((sum, { high }) => sum + Number(high), 0) - lag;
  } catch {
    // the next one will say
  }
}, 500);
const disturbing = disturb(() => handled / (events * (1 + duplicates)));
await publishing;
const publishedAt = performance.now();
await disturbing;
await waitUntil(async () => (await behind()) === 0, { timeoutMs: 3_600_000, everyMs: 200, what: 'all offsets' });
clearInterval(measuring);
const seconds = (performance.now() - beganAt) / 1_000;

// every instance, and what the cache in Redis has: none may be older than the last event of its key
await sleep(1_500);
let compared = 0;
let cached = 0;
const wrong = [];
for (const [name, child] of workers) {
  await collect(child);
  const versions = await ask(child, 'compare');
  versions.forEach((version, userId) => {
    compared += 1;
    if (version === null) return;
    cached += 1;
    if (version !== published.latest[userId]) wrong.push({ name, userId, version, latest: published.latest[userId] });
  });
}
isEnding = true;
for (const child of workers.values()) child.kill('SIGKILL');
producer.disconnect();
admin.disconnect();
source.disconnect();
await Promise.all([current.remove(), truth.remove(), broker.stop()]);

console.log(
  JSON.stringify(
    {
      broker: broker.name,
      node: process.version,
      ...options,
      sent: published.sent,
      seconds: Math.round(seconds),
      publishedAfterSeconds: Math.round((publishedAt - beganAt) / 1_000),
      messagesPerSecond: Math.round(published.sent / seconds),
      ...totals,
      keysCompared: compared,
      ofThemCached: cached,
      olderThanTheirLastEvent: wrong.length,
      examples: wrong.slice(0, 5),
    },
    null,
    2,
  ),
);
process.exit(wrong.length > 0 || totals.deadLetters > 0 || totals.crashes > 0 ? 1 : 0);
