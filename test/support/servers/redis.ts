import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { stopChild, tempDir, track } from './processes.js';

export interface RedisServerOptions {
  readonly bin?: string;
  /** 0: no TCP port. */
  readonly port?: number;
  readonly dir?: string;
  /** Lines of the configuration file. */
  readonly conf?: readonly string[];
  readonly sentinel?: boolean;
  readonly timeoutMs?: number;
}

/** A redis-server (or valkey-server) of the test's own, on 127.0.0.1. */
export interface RedisServer {
  readonly child: ChildProcess;
  readonly port: number;
  readonly dir: string;
  readonly url: string;
  output(): string;
  freeze(): void;
  thaw(): void;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again: same directory, same port, data kept. */
  restart(): Promise<RedisServer>;
  /** Stops it at once and removes its directory. */
  remove(): Promise<void>;
}

/** The wording differs for TCP, unix socket and sentinel. */
const READY = /ready to accept connections|Sentinel ID is|\+monitor/i;

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { bin = 'redis-server', dir = tempDir(), conf = ['save ""'], sentinel = false, timeoutMs = 10_000 } = options;
  const port = options.port ?? (await freePort());
  const confFile = join(dir, `redis-${port}.conf`);
  const lines = ['bind 127.0.0.1', `port ${port}`, `dir ${dir}`, 'daemonize no', 'protected-mode yes', ...conf, ''];
  writeFileSync(confFile, lines.join('\n'));
  const child = track(
    spawn(bin, [confFile, ...(sentinel ? ['--sentinel'] : [])], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string, cause?: unknown) => {
      clearTimeout(timer);
      reject(new Error(`${bin} ${reason}\n${output}`, { cause }));
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`was not ready in ${timeoutMs} ms`);
    }, timeoutMs);
    const onData = (data: Buffer) => {
      output += data.toString();
      if (!READY.test(output)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.once('error', (error) =>
      fail('could not be started. Install Redis >= 7 so that redis-server is on PATH.', error),
    );
    child.once('exit', (code) => fail(`ended with ${code}`));
  });
  return {
    child,
    port,
    dir,
    url: `redis://127.0.0.1:${port}`,
    output: () => output,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: (signal = 'SIGTERM') => stopChild(child, signal),
    restart: () => startRedis({ bin, port, dir, conf, sentinel, timeoutMs }),
    remove: async () => {
      await stopChild(child, 'SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Runs redis-cli and waits for it. */
export function redisCli(port: number, args: readonly (string | number)[], { cli = 'redis-cli' } = {}): string {
  return execFileSync(cli, ['-p', String(port), ...args.map(String)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 10_000,
  }).trim();
}

/**
 * A Redis for tests that share one and keep to keys of their own: that of REDIS_URL, else a server of the test's own.
 * Tests that stop, freeze or reconfigure the server use {@link startRedis}.
 */
export async function sharedRedis(): Promise<{ readonly url: string; release(): Promise<void> }> {
  const url = process.env['REDIS_URL'];
  if (url) return { url, release: async () => {} };
  const server = await startRedis();
  return { url: server.url, release: () => server.remove() };
}
