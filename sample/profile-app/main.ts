import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { CacheOutboxTransport, RedisCacheEvents } from 'nestjs-redis-cache/microservices';
import { bootstrap as bootstrapUsersApp } from '../users-app/bootstrap.js';
import { kafkaClient, makeTopic, redisConnection } from '../users-app/outbox/connections.js';
import { EVENT_PUBLISHER, type EventPublisher } from '../users-app/outbox/event-publisher.js';
import { LocalPublisher } from '../users-app/outbox/local-publisher.js';
import { AppModule } from './app.module.js';
import { readSettings, type Settings } from './settings.js';
import { whatToTry } from './what-to-try.js';

const settings = readSettings(process.env);
const { kafkaBrokers, redisUrl } = settings;
const isAlone = !kafkaBrokers && !redisUrl;
const { publisher, usersUrl, tcpPort } = isAlone ? await usersAppInThisProcess() : nothingElse();
const { users } = settings;
const app = await NestFactory.create(AppModule.of({ ...settings, users: { ...users, port: tcpPort ?? users.port } }));
app.enableShutdownHooks();
await listenToEvents(settings);
await app.listen(settings.port, settings.host);
console.log(whatToTry({ url: await app.getUrl(), usersUrl, events: eventsFrom(settings) }));

/** By Kafka nothing is lost; by Redis what is published while nobody listens is. */
async function listenToEvents({ kafkaBrokers, redisUrl }: Settings): Promise<void> {
  if (publisher) {
    const events = app.get(CacheOutboxTransport);
    publisher.subscribe((message, options) => events.publish(message, options));
    return;
  }
  if (kafkaBrokers) await makeTopic('profile-app', kafkaBrokers);
  const microservice = kafkaBrokers
    ? app.connectMicroservice({
        transport: Transport.KAFKA,
        options: {
          client: kafkaClient('profile-app', kafkaBrokers),
          // one group for all instances: what one of them evicts is evicted for all
          consumer: { groupId: 'profile-app', maxWaitTimeInMs: 500 },
          subscribe: { fromBeginning: true },
        },
      })
    : app.connectMicroservice({ transport: Transport.REDIS, options: redisConnection(redisUrl!) });
  app.get(RedisCacheEvents).watch(microservice);
  await app.startAllMicroservices();
}

/** With no broker there is nothing between processes: both applications run in this one. */
async function usersAppInThisProcess() {
  process.env['TCP_PORT'] ||= '0';
  const { app: usersApp, tcpPort } = await bootstrapUsersApp();
  const publisher = usersApp.get<EventPublisher>(EVENT_PUBLISHER);
  if (!(publisher instanceof LocalPublisher)) throw new Error('the users app publishes elsewhere');
  return { publisher, usersUrl: await usersApp.getUrl(), tcpPort };
}

function nothingElse() {
  return { publisher: null, usersUrl: undefined, tcpPort: undefined };
}

function eventsFrom({ kafkaBrokers, redisUrl }: Settings): string {
  if (kafkaBrokers) return 'Kafka at KAFKA_BROKERS';
  return redisUrl ? "Nest's Redis transport at REDIS_URL" : 'the users app in this process';
}
