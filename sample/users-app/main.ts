import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { DATABASE, type Database } from './database/database.js';
import { SETTINGS, type Settings } from './settings.js';
import { whatToTry } from './what-to-try.js';

const app = await NestFactory.create(AppModule);
// SIGTERM and SIGINT: the last requests are answered, then the database and the cache are closed
app.enableShutdownHooks();
const settings = app.get<Settings>(SETTINGS);
await app.listen(settings.port, settings.host);
const { description } = app.get<Database>(DATABASE);
console.log(whatToTry({ url: await app.getUrl(), database: description, redisUrl: settings.redisUrl }));
