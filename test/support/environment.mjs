import { setInterval } from 'node:timers';
import { TestEnvironment } from 'jest-environment-node';

/** What ends with this process, of all its test files. */
const ends = new Set();
let isWatching = false;

/** What came last ends first: a directory after the server that writes into it. */
function endAll(of = ends) {
  for (const end of [...of].reverse()) {
    end();
    ends.delete(end);
  }
}

/** How often a worker looks whether its jest still lives, ms. */
const LOOK_MS = 200;

/** A worker whose jest was ended would go on to the end of its suite. */
function endWithJest() {
  const look = () => {
    // undefined: this process is jest
    if (process.connected === false) process.exit(1);
  };
  look();
  // to listen to `disconnect` would keep the worker alive when jest lets it go
  setInterval(look, LOOK_MS).unref();
}

/**
 * Node, and the end of every child and directory that a test file made: with the file's last hook, also after a test
 * that ran out of time, and with this process. A test file cannot see to it by itself: its `process` is a copy that
 * hears of no end and no signal.
 */
export default class NothingStaysEnvironment extends TestEnvironment {
  own = new Set();

  async setup() {
    await super.setup();
    if (!isWatching) {
      isWatching = true;
      process.on('exit', () => endAll());
      endWithJest();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
        process.once(signal, () => {
          endAll();
          process.kill(process.pid, signal);
        });
      }
    }
    /** @param end of a child or a directory; calling it when there is none any more does no harm */
    this.global.onTestEnd = (end) => {
      ends.add(end);
      this.own.add(end);
      return () => {
        ends.delete(end);
        this.own.delete(end);
      };
    };
  }

  async teardown() {
    endAll(this.own);
    // what a test began and did not wait for may start its children now
    this.global.onTestEnd = (end) => {
      end();
      return () => {};
    };
    await super.teardown();
  }
}
