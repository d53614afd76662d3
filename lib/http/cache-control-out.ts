import type { RoutePlan } from './route-plan.js';

/**
 * What clients and proxies are told. They count a response's age from when it was made, so `max-age` grows with it:
 * `clientTtl` is how long it may be used from now on. Without one they ask each time, which a 304 answers: an eviction
 * reaches them at once.
 */
export function cacheControlOf({ scope, clientMs, sharedMs }: RoutePlan, ageMs: number): string {
  const seconds = (ms: number) => Math.floor((ms + Math.max(0, ageMs)) / 1_000);
  const whose = scope === 'public' ? 'public' : 'private';
  const ofProxies = sharedMs === null ? '' : `, s-maxage=${seconds(sharedMs)}`;
  if (clientMs === 0) return ofProxies === '' ? `${whose}, no-cache` : `${whose}, max-age=0${ofProxies}`;
  return `${whose}, max-age=${seconds(clientMs)}${ofProxies}`;
}
