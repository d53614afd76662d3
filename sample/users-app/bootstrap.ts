import type { Server } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { AppModule } from './app.module.js';
import { SETTINGS, type Settings } from './settings.js';

/** The application, listening: by HTTP, and by TCP where TCP_PORT says so. */
export async function bootstrap(): Promise<{ app: INestApplication; tcpPort: number | undefined }> {
  const app = await NestFactory.create(AppModule);
  // SIGTERM and SIGINT: the last requests are answered, then the database and the cache are closed
  app.enableShutdownHooks();
  const { host, port, tcpPort } = app.get<Settings>(SETTINGS);
  if (tcpPort === undefined) {
    await app.listen(port, host);
    return { app, tcpPort };
  }
  const tcp = app.connectMicroservice({ transport: Transport.TCP, options: { host, port: tcpPort } });
  await app.startAllMicroservices();
  await app.listen(port, host);
  return { app, tcpPort: portOf(tcp.unwrap<Server>()) };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the TCP server has no port');
  return address.port;
}
