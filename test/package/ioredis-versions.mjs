// `npm run test:ioredis`: the suites that speak to Redis, once with each version of ioredis that package.json admits;
// or with those named: `npm run test:ioredis -- 5.11.1`.
import { ES_MODULES, jestIn, makeVariant } from './variant.mjs';

const versions = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['5.4.2', '5.11.1', '6'];
const SUITES = ['test/contract', 'test/integration'];

const failed = versions.filter((version) => {
  console.log(`\nioredis ${version}`);
  const variant = makeVariant([`ioredis@${version}`]);
  try {
    return !jestIn(variant.folder, ES_MODULES, '-w', '1', '--silent', ...SUITES);
  } finally {
    variant.remove();
  }
});
console.log(
  failed.length === 0 ? `\nAll pass: ioredis ${versions.join(', ')}` : `\nFailed: ioredis ${failed.join(', ')}`,
);
process.exitCode = failed.length;
