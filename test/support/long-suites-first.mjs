import TestSequencer from '@jest/test-sequencer';

const Sequencer = TestSequencer.default ?? TestSequencer;

/** About how long the long suites take, seconds. A fresh clone has no times of its own to go by. */
const SECONDS = {
  'package/pack': 70,
  'e2e/npm-start': 65,
  'history/history': 80,
  'integration/operators': 60,
  'e2e/outbox-kills': 58,
  'rules/rules': 52,
  'model/instances': 50,
  'integration/faults': 45,
  'integration/faults-local': 42,
  'e2e/http-cache-suite': 42,
  'e2e/two-services': 35,
  'integration/events-kafka': 30,
  'model/functions': 30,
  'integration/idle-cost': 28,
  'types/editor': 20,
  'e2e/users-app': 20,
  'integration/large-values': 18,
  'types/decorator-types': 15,
  docs: 15,
};

/** Of each of the others. */
const OTHERS = { 'test/e2e/': 15, 'test/integration/': 10, 'test/rules/': 10 };
const SHORT = 1;

/** Starts the long suites first, so that no worker is left alone with one at the end. */
export default class LongSuitesFirst extends Sequencer {
  sort(tests) {
    // sort is stable: what takes equally long stays in jest's own order
    return [...super.sort(tests)].sort((a, b) => secondsOf(b) - secondsOf(a));
  }
}

function secondsOf({ path }) {
  const name = path.replaceAll('\\', '/');
  const long = Object.keys(SECONDS).find((suite) => name.endsWith(`/test/${suite}.spec.ts`));
  if (long) return SECONDS[long];
  const folder = Object.keys(OTHERS).find((part) => name.includes(`/${part}`));
  return folder ? OTHERS[folder] : SHORT;
}
