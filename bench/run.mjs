// Compiles the library and the benchmarks, then runs those that are named, or all: npm run bench -- l1-hit l2-hit
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const all = readdirSync('bench')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`No benchmark "${unknown.join('", "')}". There are: ${all.join(', ')}.`);
  process.exit(1);
}
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json'], { stdio: 'inherit' });
for (const name of wanted.length > 0 ? wanted : all) {
  execFileSync(process.execPath, [`dist-bench/bench/${name}.js`], { stdio: 'inherit' });
}
