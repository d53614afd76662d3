// `npm test`: jest, and beside it the checks of types, rules and layout at a lower priority. Many suites wait, for
// servers and for time to pass, and the checks are done meanwhile (docs/decisions/0061). Arguments go to jest.
import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** Niceness: below jest, and yet a share of a machine that others keep busy, who would get all of it at the lowest. */
const BELOW = 5;
const CHECKS = [
  ['types and rules', 'node_modules/oxlint/bin/oxlint'],
  ['layout', 'node_modules/oxfmt/bin/oxfmt', '--check'],
];
/** The native compiler collects less often: two thirds of its time, for twice the memory (1 GB). */
const ENVIRONMENT = { ...process.env, GOGC: '400' };

const running = new Set();
/** The first signal that was received; it ends the children, and this process after them. */
let endedBy = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    endedBy ??= signal;
    for (const child of running) child.kill(signal);
  });
}

const [code, failed] = await Promise.all([jest(process.argv.slice(2)), check()]);
if (endedBy !== null) {
  process.removeAllListeners(endedBy);
  process.kill(process.pid, endedBy);
} else {
  // after jest's summary, where it is read
  for (const { name, output } of failed) console.error(`\nThe check of ${name} failed:\n${output}`);
  process.exitCode = code === 0 && failed.length > 0 ? 1 : code;
}

async function jest(args) {
  const modules = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  try {
    return await codeOf(start([...modules, 'node_modules/jest/bin/jest.js', ...args], 'inherit'));
  } catch (error) {
    console.error(`jest could not be started: ${error.message}`);
    return 1;
  }
}

/** One after the other. @returns those that failed, with what they said */
async function check() {
  const failed = [];
  for (const [name, ...args] of CHECKS) {
    if (endedBy !== null) break;
    let output = '';
    try {
      const child = start(args, ['ignore', 'pipe', 'pipe'], ENVIRONMENT);
      lower(child);
      // there are none where the limit of open files is reached
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding('utf8').on('data', (text) => (output += text));
      if ((await codeOf(child)) !== 0) failed.push({ name, output });
    } catch (error) {
      failed.push({ name, output: `It could not be started: ${error.message}` });
    }
  }
  return failed;
}

function start(args, stdio, env = process.env) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio, env });
  running.add(child);
  return child;
}

/** At its own priority a check is only in the way. */
function lower({ pid }) {
  if (pid === undefined) return;
  try {
    setPriority(pid, BELOW);
  } catch {
    // not allowed, or it has ended
  }
}

/** When it has ended and all it wrote was read. @throws Error when it could not be started */
async function codeOf(child) {
  try {
    return await new Promise((resolve, reject) => {
      // one that runs reports signals that it did not get, and ends all the same
      child.on('error', (error) => child.pid === undefined && reject(error));
      child.once('close', (code) => resolve(code ?? 1));
    });
  } finally {
    running.delete(child);
  }
}
