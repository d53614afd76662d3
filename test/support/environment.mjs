import { setInterval } from 'node:timers';
import { TestEnvironment } from 'jest-environment-node';

/** Children of all test files of this process. */
const children = new Set();
let isWatching = false;

function killAll() {
  for (const kill of children) kill();
  children.clear();
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
 * Node, and the end of every child that a test file started: with the file's last hook, also after a test that ran out
 * of time, and with this process. A test file cannot see to it by itself: its `process` is a copy that hears of no end
 * and no signal.
 */
export default class ChildrenDieEnvironment extends TestEnvironment {
  own = new Set();

  async setup() {
    await super.setup();
    if (!isWatching) {
      isWatching = true;
      process.on('exit', killAll);
      endWithJest();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
        process.once(signal, () => {
          killAll();
          process.kill(process.pid, signal);
        });
      }
    }
    /** @param kill ends a child; calling it when there is none any more does no harm */
    this.global.onTestEnd = (kill) => {
      children.add(kill);
      this.own.add(kill);
      return () => {
        children.delete(kill);
        this.own.delete(kill);
      };
    };
  }

  async teardown() {
    for (const kill of this.own) {
      kill();
      children.delete(kill);
    }
    await super.teardown();
  }
}
