// client.mjs BASE_URL: runs the public suite against a cache, and prints what became of each test as JSON.
// 120 tests at once: they wait far more than they work, and some have lifetimes of 2 s.
import fetch from 'node-fetch';
import { getResults, runTests } from 'http-cache-tests/client/runner.mjs';
import suites from 'http-cache-tests/tests/index.mjs';
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs';

const all = [...suites, surrogate];
await runTests(all, fetch, false, process.argv[2], 120);
const results = getResults();
const tests = new Map(all.flatMap((suite) => suite.tests).map((test) => [test.id, test]));
const verdicts = new Map();

/**
 * As the suite itself judges (lib/display.mjs, which needs a browser): a test says nothing when one it rests on has
 * failed.
 */
function verdictOf(id) {
  if (verdicts.has(id)) return verdicts.get(id);
  const result = results[id];
  let verdict = 'pass';
  if ((tests.get(id).depends_on ?? []).some((other) => verdictOf(other) !== 'pass')) verdict = 'dependency';
  else if (result !== true) verdict = result[0] === 'Setup' ? 'setup' : 'fail';
  verdicts.set(id, verdict);
  return verdict;
}

const report = Object.keys(results).map((id) => ({
  id,
  kind: tests.get(id).kind ?? 'required',
  verdict: verdictOf(id),
  reason: results[id] === true ? '' : String(results[id][1]),
}));
process.stdout.write(JSON.stringify(report));
