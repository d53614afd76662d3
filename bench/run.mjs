// Compiles the library and the benchmarks, then runs those that are named, or all: npm run bench -- l1-hit l2-hit
// npm run bench -- report [names] writes what those of REPORT print, with versions and commit, to bench/results.
// BENCH_ROUNDS=1 is quick.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

/** The others need a cluster, or run for long. */
const REPORT = 'l1-hit l2-hit miss-fill zipf tags evictions stale-set stampede memory idle codec'.split(' ');

const all = readdirSync('bench')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
const isReport = process.argv[2] === 'report';
const wanted = process.argv.slice(isReport ? 3 : 2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`No benchmark "${unknown.join('", "')}". There are: ${all.join(', ')}.`);
  process.exit(1);
}
const head = isReport ? header() : '';
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json'], { stdio: 'inherit' });
const sections = [];
for (const name of wanted.length > 0 ? wanted : isReport ? REPORT : all) {
  const began = performance.now();
  const said = await run(name);
  const seconds = Math.round((performance.now() - began) / 1_000);
  sections.push(`## ${name}\n\n\`npm run bench -- ${name}\`, ${seconds} s\n\n${said.trim()}\n`);
}
if (isReport) {
  const file = `bench/results/${new Date().toISOString().slice(0, 10)}.md`;
  mkdirSync('bench/results', { recursive: true });
  writeFileSync(file, `${head}\n${sections.join('\n')}`);
  console.log(`\nWritten to ${file}`);
}

/** What it prints, which is shown meanwhile. */
async function run(name) {
  const child = spawn(process.execPath, ['--expose-gc', `dist-bench/bench/${name}.js`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
    process.stdout.write(text);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`Benchmark "${name}" ended with ${code}.`);
  return said;
}

function header() {
  const say = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim();
  const redis = process.env.REDIS_URL ? 'that of REDIS_URL' : /v=(\S+)/.exec(say('redis-server', '--version'))[1];
  const isChanged = say('git', 'status', '--porcelain', '--untracked-files=no') !== '';
  const peers = Object.keys(JSON.parse(readFileSync('bench/peers/package.json', 'utf8')).dependencies);
  return [
    `# Benchmarks of ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC\n`,
    `* commit ${say('git', 'rev-parse', '--short', 'HEAD')}${isChanged ? ', with changes' : ''}`,
    `* Node ${process.version}, Redis ${redis}, ${cpus().length} x ${cpus()[0].model.trim()}, load before ${loadavg()[0].toFixed(1)}`,
    `* ${versions('node_modules', ['ioredis', 'lru-cache'])}`,
    `* peers: ${versions('bench/peers/node_modules', peers) || 'none'}`,
    `* rounds: ${process.env.BENCH_ROUNDS ?? 7}; ratios are medians over the rounds ± half their range, higher is faster; "?": the difference to 1 is within that\n`,
  ].join('\n');
}

function versions(folder, names) {
  const file = (name) => `${folder}/${name}/package.json`;
  return names
    .filter((name) => existsSync(file(name)))
    .map((name) => `${name} ${JSON.parse(readFileSync(file(name), 'utf8')).version}`)
    .join(', ');
}
