import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { connect } from 'node:net';
import { type BrokerServer, portOpens } from './nats.js';
import { freePort } from './free-port.js';
import { atEnd, stopChild, tempDir, track, waitUntil } from './processes.js';

/** Not the one on PATH, which switches to the user `rabbitmq`. */
const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Why tests of RabbitMQ skip; undefined: they need not. */
export const rabbitMissing: string | undefined = existsSync(PROGRAM)
  ? undefined
  : `${PROGRAM} is not there (Debian: rabbitmq-server)`;

/** `amqp://guest:guest@127.0.0.1:port`. Takes 5 to 15 s. */
export async function startRabbit(): Promise<BrokerServer> {
  const [port, distPort, epmdPort, dir] = [await freePort(), await freePort(), await freePort(), tempDir()];
  chmodSync(dir, 0o777);
  const env = {
    HOME: dir,
    RABBITMQ_NODENAME: `t${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: `${dir}/mnesia`,
    RABBITMQ_LOG_BASE: `${dir}/log`,
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: `${dir}/plugins`,
    RABBITMQ_PID_FILE: `${dir}/pid`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
  };
  const child = track(
    spawn(PROGRAM, [], { cwd: dir, stdio: 'ignore', detached: true, env: { ...process.env, ...env } }),
    { isLeader: true },
  );
  // it leaves a daemon behind, of its own by its port
  const endDaemon = () => {
    try {
      execFileSync('epmd', ['-port', String(epmdPort), '-kill'], { stdio: 'ignore' });
    } catch {
      // gone already
    }
  };
  const forget = atEnd(endDaemon);
  await portOpens(port);
  // an open port does not answer at once
  await waitUntil(() => greets(port), { timeoutMs: 60_000, everyMs: 100, what: 'RabbitMQ' });
  return {
    port,
    stop: async () => {
      await stopChild(child, 'SIGTERM');
      forget();
      endDaemon();
    },
  };
}

/** It answers the header of the protocol. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('AMQP\0\0\x09\x01'));
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
