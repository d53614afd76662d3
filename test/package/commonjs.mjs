// `npm run test:commonjs`: the suites of the library once on its CommonJS build, with Nest 11 and Jest without ES
// modules, as teams on Nest 11 run it. `npm run test:commonjs -- test/unit` runs these alone.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { jestIn, makeVariant } from './variant.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const SUITES = ['test/unit', 'test/contract', 'test/integration'];
const NEST = ['common', 'core', 'testing', 'microservices', 'terminus', 'cqrs', 'platform-express', 'platform-fastify'];
/** What cannot run there, and why. */
const LEFT_OUT = {
  'test/integration/(events-kafka|kafka-broker)': 'top-level await, which CommonJS has not',
  'test/integration/transactions': 'PGlite imports its files at run time, which Jest without ES modules cannot',
  'test/integration/events-brokers': "Nest 11 takes another NATS client than this repository's",
};

execFileSync('npm', ['run', '-s', 'build'], { cwd: ROOT, stdio: 'inherit' });
const variant = makeVariant(NEST.map((name) => `@nestjs/${name}@11`));
cpSync(join(ROOT, 'dist'), join(variant.folder, 'dist'), { recursive: true });
copyFileSync(join(import.meta.dirname, 'jest.commonjs.config.js'), join(variant.folder, 'jest.commonjs.config.js'));
for (const [suite, why] of Object.entries(LEFT_OUT)) console.log(`left out: ${suite} (${why})`);
const suites = process.argv.slice(2).length > 0 ? process.argv.slice(2) : SUITES;
const left = Object.keys(LEFT_OUT).flatMap((suite) => ['--testPathIgnorePatterns', suite]);
try {
  const config = ['--config', join(variant.folder, 'jest.commonjs.config.js')];
  process.exitCode = jestIn(variant.folder, [], ...config, ...left, '-w', '1', '--silent', ...suites) ? 0 : 1;
} finally {
  variant.remove();
}
