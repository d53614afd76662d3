import { AsyncLocalStorage } from 'node:async_hooks';

/** What one request asked of the database. */
export interface RequestTrace {
  queryCount: number;
  queryMs: number;
}

// One store for the process is right here: each request has a trace of its own in it.
const traces = new AsyncLocalStorage<RequestTrace>();

export function runTraced<T>(trace: RequestTrace, run: () => T): T {
  return traces.run(trace, run);
}

/** Counts a query for the request that caused it. A request that only joined another's load caused none. */
export async function traceQuery<T>(query: () => Promise<T>): Promise<T> {
  const trace = traces.getStore();
  const startedAt = performance.now();
  try {
    return await query();
  } finally {
    if (trace) {
      trace.queryCount += 1;
      trace.queryMs += performance.now() - startedAt;
    }
  }
}
