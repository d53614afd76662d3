// `npm test`: jest, and beside it the checks of types, rules and layout at the lowest priority. Many suites wait, for
// servers and for time to pass, and the checks are done meanwhile (docs/decisions/0061). Arguments go to jest.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const LOWEST = 19;
const CHECKS = [
  ['types and lint', 'tools/check-types-and-lint.mjs'],
  ['layout', 'node_modules/prettier/bin/prettier.cjs', '--check', '.'],
];

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.kill(process.pid, signal);
  });
}

const [code, failed] = await Promise.all([jest(process.argv.slice(2)), check()]);
// after jest's summary, where it is read
for (const { name, output } of failed) console.error(`\nThe check of ${name} failed:\n${output}`);
process.exitCode = code === 0 && failed.length > 0 ? 1 : code;

async function jest(args) {
  const modules = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  return codeOf(start([...modules, 'node_modules/jest/bin/jest.js', ...args], 'inherit'));
}

/** One after the other. @returns those that failed, with what they said */
async function check() {
  const failed = [];
  for (const [name, ...args] of CHECKS) {
    const child = start(args, ['ignore', 'pipe', 'pipe']);
    setPriority(child.pid, LOWEST);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    if ((await codeOf(child)) !== 0) failed.push({ name, output });
  }
  return failed;
}

function start(args, stdio) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio });
  running.add(child);
  return child;
}

/** When it has ended and all it wrote was read. */
async function codeOf(child) {
  const [code] = await once(child, 'close');
  running.delete(child);
  return code ?? 1;
}
