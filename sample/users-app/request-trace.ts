import { AsyncLocalStorage } from 'node:async_hooks';

/** What it took to answer one request. */
export interface RequestTrace {
  queryCount: number;
  queryMs: number;
  isFromL1: boolean;
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
