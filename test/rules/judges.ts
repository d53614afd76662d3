import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { track } from '../support/servers/processes.js';
import type { Case, Verdict } from './judge.js';

/** A schedule takes milliseconds, a second at most; a build that hangs is one that fails. */
const patienceMs = (times: number): number => 20_000 + 2_000 * times;

/** So often that builds, which no process gives back, would fill its memory before all are through. */
const OFTEN = 10;

/** The process that runs schedules; a new one after one that hung, and for each case that is repeated often. */
export class Judges {
  private child: ChildProcess | null = null;

  /** @param build whose judge.js is run; any build does */
  constructor(private readonly build: string) {}

  /** One verdict per time. */
  ask(asked: Case): Promise<Verdict[]> {
    const child = (this.child ??= track(fork(join(this.build, 'test/rules/judge.js'), { execArgv: [] })));
    return new Promise((resolve) => {
      const done = (verdicts: Verdict[]) => {
        clearTimeout(timer);
        child.off('exit', onExit);
        child.off('message', done);
        if (asked.times >= OFTEN) this.end();
        resolve(verdicts);
      };
      const giveUp = (why: string) => {
        this.child = null;
        child.kill('SIGKILL');
        done([{ kind: 'failed', why }]);
      };
      const onExit = () => giveUp('the process ended');
      const limitMs = patienceMs(asked.times);
      const timer = setTimeout(() => giveUp(`no verdict within ${limitMs} ms`), limitMs);
      child.on('message', done);
      child.on('exit', onExit);
      child.send(asked);
    });
  }

  end(): void {
    this.child?.kill();
    this.child = null;
  }
}
