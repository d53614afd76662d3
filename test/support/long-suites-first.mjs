import TestSequencer from '@jest/test-sequencer';

const Sequencer = TestSequencer.default ?? TestSequencer;

/** About how long the long suites take, seconds. A fresh clone has no times of its own to go by. */
const SECONDS = {
  'package/pack': 50,
  'e2e/npm-start': 60,
  'history/history': 84,
  'model/instances': 75,
  'integration/faults': 45,
  'integration/faults-local': 45,
  'e2e/outbox-kills': 60,
  'integration/operators': 58,
  'rules/rules': 51,
  'integration/http/rules': 50,
  'model/functions': 45,
  'e2e/users-app': 25,
  'integration/events-kafka': 25,
  'model/combinations': 20,
  'model/composition/composition': 20,
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
