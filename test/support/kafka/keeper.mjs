import { once } from 'node:events';
import { createServer } from 'node:http';
import { startAnyBroker } from './broker.mjs';

/**
 * One broker for all suites of a run of jest: this process keeps it, the first suite that asks makes it start, and it
 * ends with the run, also by a signal. Runs without such a suite do not pay for it.
 */
export default async function keepBroker() {
  let starting;
  let broker;
  const skipped = [];
  const end = () => broker?.stop();
  const server = createServer((_, response) => {
    starting ??= startAnyBroker({ onSkip: (reason) => skipped.push(reason) });
    starting
      .then((started) => {
        broker = started;
        response.end(JSON.stringify({ broker, skipped }));
      })
      .catch((error) => response.writeHead(500).end(error.message));
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  process.env.KAFKA_KEEPER = `http://127.0.0.1:${server.address().port}`;
  process.on('exit', end);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      end();
      process.kill(process.pid, signal);
    });
  }
  globalThis.endKafkaKeeper = () => {
    end();
    server.close();
    server.closeAllConnections();
  };
}
