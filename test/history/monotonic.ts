/**
 * Milliseconds of CLOCK_MONOTONIC, with a fraction of nanoseconds. The same clock for every process of this host, so
 * that moments of different processes can be compared; a step of the wall clock does not move it.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
