/** What callers saw. */
export interface Storm {
  readonly total: number;
  /** Shares of all requests, and of those for keys that were cached before. */
  readonly fast: number;
  readonly fastWarm: number;
  readonly errors: number;
  /** Not answered when the storm was given up. */
  readonly never: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** p99 of those that were sent within EARLY_MS of the start, and of the others. */
  readonly p99Early: number;
  readonly p99Late: number;
}

/** A circuit has opened by then, where it opens at all. */
export const EARLY_MS = 2_000;

const FAST_MS = 100;

/**
 * Requests at a fixed rate, whatever becomes of them: half for cached keys, half for new ones.
 *
 * @param limitMs when those that are not answered count as never answered
 */
export async function storm(
  get: (key: string) => Promise<unknown>,
  {
    total,
    overMs,
    limitMs,
    warm,
    prefix,
  }: { total: number; overMs: number; limitMs: number; warm: readonly string[]; prefix: string },
): Promise<Storm> {
  const seen: { isWarm: boolean; atMs: number; ms: number; isError: boolean }[] = [];
  const pending = new Set<Promise<void>>();
  const from = performance.now();
  const fire = (n: number) => {
    const sentMs = performance.now();
    const one = { isWarm: n % 2 === 0, atMs: sentMs - from, ms: NaN, isError: false };
    seen.push(one);
    const answer = (async () => get(one.isWarm ? warm[(n / 2) % warm.length]! : `${prefix}-${n}`))()
      .then(
        (value) => void (one.isError = value === undefined),
        () => void (one.isError = true),
      )
      .then(() => {
        one.ms = performance.now() - sentMs;
        pending.delete(answer);
      });
    pending.add(answer);
  };
  for (let n = 0; n < total;) {
    const due = Math.min(total, Math.ceil(((performance.now() - from) / overMs) * total));
    while (n < due) fire(n++);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.race([Promise.all(pending), new Promise((resolve) => setTimeout(resolve, limitMs))]);
  const sorted = (some: typeof seen) => some.map(({ ms }) => (Number.isNaN(ms) ? Infinity : ms)).sort((a, b) => a - b);
  const at = (times: number[], share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  const times = sorted(seen);
  const isFast = ({ ms, isError }: (typeof seen)[number]) => !isError && ms < FAST_MS;
  const warmOnes = seen.filter(({ isWarm }) => isWarm);
  return {
    total,
    fast: seen.filter(isFast).length / total,
    fastWarm: warmOnes.filter(isFast).length / warmOnes.length,
    errors: seen.filter(({ isError }) => isError).length,
    never: seen.filter(({ ms }) => Number.isNaN(ms)).length,
    p50: at(times, 0.5),
    p99: at(times, 0.99),
    longest: times.at(-1)!,
    p99Early: at(sorted(seen.filter(({ atMs }) => atMs < EARLY_MS)), 0.99),
    p99Late: at(sorted(seen.filter(({ atMs }) => atMs >= EARLY_MS)), 0.99),
  };
}
