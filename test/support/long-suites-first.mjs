import TestSequencer from '@jest/test-sequencer';

const Sequencer = TestSequencer.default ?? TestSequencer;

/** Folders whose suites take longest, the longest first. The rest keeps jest's own order. */
const LONG = [
  'test/e2e/npm-start',
  'test/history/',
  'test/package/',
  'test/rules/',
  'test/model/',
  'test/e2e/',
  'test/integration/',
];

/** Starts the long suites first, so that no worker is left alone with one at the end. */
export default class LongSuitesFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const index = LONG.findIndex((folder) => path.replaceAll('\\', '/').includes(folder));
      return index < 0 ? LONG.length : index;
    };
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
}
