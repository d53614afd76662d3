import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is truthy; an error counts as "not yet". */
export async function waitUntil<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 30_000, everyMs = 10, what = 'a condition' } = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > end) {
      throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}`, { cause: lastError });
    }
    await sleep(everyMs);
  }
}

/**
 * A new directory, which is removed when its test file or this process ends, after the children that were started
 * since: servers that were stopped, killed or never ready leave it, too, and some write into it to their end.
 */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'cache-test-'));
  // a killed child may still write for a moment
  atEnd(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}

/** Set in tests, by test/support/environment.mjs. */
declare global {
  var onTestEnd: ((end: () => void) => () => void) | undefined;
}

/**
 * Runs `end` when the test file or this process ends, also by a signal; what came last ends first.
 *
 * @returns what takes that back
 */
export function atEnd(end: () => void): () => void {
  return (globalThis.onTestEnd ?? onProcessEnd)(end);
}

/**
 * From now on the child is killed when its test file or this process ends, also by a signal.
 *
 * @param isLeader the child was started `detached`: what it started in turn is killed with it
 */
export function track<Child extends ChildProcess>(child: Child, { isLeader = false } = {}): Child {
  const forget = atEnd(() => kill(child, isLeader));
  child.once('exit', () => {
    if (isLeader) kill(child, isLeader);
    forget();
  });
  return child;
}

function kill(child: ChildProcess, isLeader: boolean): void {
  if (!isLeader || child.pid === undefined) return void child.kill('SIGKILL');
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // nobody is left
  }
}

const ends = new Set<() => void>();
let isWatching = false;

function onProcessEnd(end: () => void): () => void {
  if (!isWatching) {
    isWatching = true;
    process.on('exit', endAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        endAll();
        process.kill(process.pid, signal);
      });
    }
  }
  ends.add(end);
  return () => ends.delete(end);
}

function endAll(): void {
  for (const end of [...ends].reverse()) end();
}

export async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
