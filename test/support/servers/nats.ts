import { spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { freePort } from './free-port.js';
import { stopChild, tempDir, track, waitUntil } from './processes.js';

/** A broker of the test's own, on 127.0.0.1. */
export interface BrokerServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Why tests of NATS skip; undefined: they need not. */
export const natsMissing: string | undefined = spawnSync('nats-server', ['--version']).error
  ? 'nats-server is not on PATH (Debian: nats-server)'
  : undefined;

export async function startNats(port?: number): Promise<BrokerServer> {
  const at = port ?? (await freePort());
  const args = ['-a', '127.0.0.1', '-p', String(at)];
  const child = track(spawn('nats-server', args, { cwd: tempDir(), stdio: 'ignore' }));
  await portOpens(at);
  return {
    port: at,
    stop: () => stopChild(child, 'SIGKILL'),
  };
}

/** Resolves when somebody listens. */
export function portOpens(port: number): Promise<unknown> {
  const tries = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  return waitUntil(tries, { timeoutMs: 90_000, everyMs: 50, what: `port ${port}` });
}
