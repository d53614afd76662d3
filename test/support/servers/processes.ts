import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
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

/** A port of 127.0.0.1 that is free now. */
export async function freePort(accept: (port: number) => boolean = () => true): Promise<number> {
  for (;;) {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as { port: number };
    probe.close();
    await once(probe, 'close');
    if (accept(port)) return port;
  }
}

export const tempDir = (): string => mkdtempSync(join(tmpdir(), 'cache-test-'));

const children = new Set<ChildProcess>();
let isWatching = false;

/** From now on the child is killed when this process ends, also by a signal. */
export function track<Child extends ChildProcess>(child: Child): Child {
  if (!isWatching) {
    isWatching = true;
    process.on('exit', killAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        killAll();
        process.kill(process.pid, signal);
      });
    }
  }
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

export async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
