import { type ChildProcess, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/servers/free-port.js';
import { atEnd } from '../support/servers/processes.js';

export interface PostgresServer {
  readonly url: string;
  /** Stops it at once and removes its directory. */
  remove(): void;
}

/** Where Debian puts the programs of PostgreSQL; the newest of them. Undefined: not installed. */
export const postgresPrograms = newestPostgres();

/** A throw-away PostgreSQL on 127.0.0.1 that keeps nothing safe and is therefore quick. */
export async function startPostgres(): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'pg-'));
  // the server refuses to run as root
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    chmodSync(directory, 0o711);
    execFileSync('chown', ['postgres:', directory]);
  }
  const run = (program: string, ...args: string[]) => {
    const command = [join(postgresPrograms!, program), ...args];
    const as = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
    const [first, ...rest] = [...as, ...command];
    execFileSync(first!, rest, { stdio: 'ignore', cwd: '/' });
  };
  const data = join(directory, 'data');
  const port = await freePort();
  const quick = '-c fsync=off -c synchronous_commit=off -c full_page_writes=off';
  run('initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync', '--no-locale', '-E', 'UTF8');
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${directory} ${quick}`;
  run('pg_ctl', '-D', data, '-w', '-s', '-l', join(directory, 'log'), '-o', options, 'start');
  // it has gone its own way: no child of ours
  const [pid] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  const forget = atEnd(() => process.kill(Number(pid), 'SIGKILL'));
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    remove: () => {
      forget();
      run('pg_ctl', '-D', data, '-w', '-s', '-m', 'immediate', 'stop');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function newestPostgres(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** Resolves to all the output so far as soon as it matches. */
export function outputOf(child: ChildProcess, expected: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (expected.test(output)) resolve(output);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it printed ${expected}: ${output}`)));
  });
}
