import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopChild, track } from '../support/servers/processes.js';
import { transpileFolders } from '../support/transpile-folders.js';

/** The samples as JavaScript, with the library beside them, for processes that Node runs by itself. */
export interface BuiltSamples {
  /** @param environment beside PATH; nothing else is inherited */
  start(name: 'users-app' | 'profile-app', environment: Record<string, string | undefined>): Promise<SampleProcess>;
  remove(): void;
}

export interface SampleProcess {
  readonly child: ChildProcess;
  /** Of its HTTP server. */
  readonly url: string;
  /** Undefined: it does not listen by TCP. */
  readonly tcpPort: number | undefined;
  output(): string;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const READY = /Ctrl\+C/;

export function buildSamples(): BuiltSamples {
  const folder = mkdtempSync(join(tmpdir(), 'samples-'));
  transpileFolders(['lib', 'sample'], folder);
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, { import: { default: string } } | string>;
  };
  // the package under its own name, as in the checkout
  const own = Object.entries(exports).flatMap(([entry, target]) =>
    typeof target === 'string' ? [] : [[entry, target.import.default.replace('./dist/', './lib/')] as const],
  );
  const manifest = { name: 'nestjs-redis-cache', type: 'module', exports: Object.fromEntries(own) };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  return {
    start: (name, environment) => start(join(folder, 'sample', name, 'main.js'), environment),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function start(main: string, environment: Record<string, string | undefined>): Promise<SampleProcess> {
  const { PATH } = process.env;
  const child = track(
    spawn(process.execPath, [main], {
      env: { PATH, PORT: '0', PROFILE_PORT: '0', NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', () => READY.test(output) && resolve());
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${main} ended with ${code}:\n${output}`);
  });
  await Promise.race([ready, ended]);
  ended.catch(() => {});
  const tcpPort = /TCP port (\d+)/.exec(output)?.[1];
  return {
    child,
    url: /listens on (http[^\s,]+)/.exec(output)![1]!,
    tcpPort: tcpPort === undefined ? undefined : Number(tcpPort),
    output: () => output,
    kill: () => stopChild(child, 'SIGKILL'),
    stop: () => stopChild(child, 'SIGTERM'),
  };
}
