/**
 * Latencies in ms, from the moment a request was due: who is late does not make the others wait with their clocks
 * stopped.
 */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** Requests come at random (Poisson) at a rate, whatever becomes of those before. */
export async function arrivals(
  one: (n: number) => Promise<unknown>,
  { perSecond, forMs }: { perSecond: number; forMs: number },
): Promise<Latencies> {
  const times: number[] = [];
  const pending = new Set<Promise<void>>();
  const began = performance.now();
  let dueAt = began;
  for (let n = 0; dueAt < began + forMs;) {
    for (; dueAt <= performance.now() && dueAt < began + forMs; n++) {
      const due = dueAt;
      const answer = one(n).then(() => {
        times.push(performance.now() - due);
        pending.delete(answer);
      });
      pending.add(answer);
      dueAt -= (Math.log(1 - Math.random()) / perSecond) * 1_000;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(pending);
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}
