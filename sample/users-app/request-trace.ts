import { AsyncLocalStorage } from 'node:async_hooks';
import { type ReadReport, withReport } from 'nestjs-redis-cache';

/** What it took to answer one request. */
export interface RequestTrace {
  queryCount: number;
  queryMs: number;
  /** How the cache answered; null: it was not asked, or the load failed. */
  read: ReadReport | null;
}

// One store for the process is right here: each request has a trace of its own in it.
const traces = new AsyncLocalStorage<RequestTrace>();

export function runTraced<T>(trace: RequestTrace, run: () => T): T {
  return traces.run(trace, run);
}

/** The trace of the request on whose behalf this runs. */
export function currentTrace(): RequestTrace | undefined {
  return traces.getStore();
}

/** Notes how the cache answered `call`. */
export function traced<T>(call: () => T): T {
  const trace = currentTrace();
  return trace === undefined ? call() : withReport(call, (report) => (trace.read = report));
}
