import 'reflect-metadata';
import { bootstrap } from './bootstrap.js';
import { DATABASE, type Database } from './database/database.js';
import { EVENT_PUBLISHER, type EventPublisher } from './outbox/event-publisher.js';
import { SETTINGS, type Settings } from './settings.js';
import { whatToTry } from './what-to-try.js';

const { app, tcpPort } = await bootstrap();
const { redisUrl } = app.get<Settings>(SETTINGS);
const { description: database } = app.get<Database>(DATABASE);
const { description: events } = app.get<EventPublisher>(EVENT_PUBLISHER);
if (tcpPort !== undefined) console.log(`For other services: TCP port ${tcpPort}`);
console.log(whatToTry({ url: await app.getUrl(), database, redisUrl, events }));
