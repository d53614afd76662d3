import { afterEach, expect, it } from '@jest/globals';
import { type Held, OutageRounds } from './outages.js';

const warnings: Error[] = [];
const warn = (warning: Error) => void warnings.push(warning);
let rounds: OutageRounds | undefined;
afterEach(async () => {
  process.off('warning', warn);
  await rounds?.end();
});

it('nothing grows through outages, with keys and tags that never come again', async () => {
  process.on('warning', warn);
  rounds = await OutageRounds.start();
  const all: Held[] = [];
  for (let round = 0; round < 10; round++) all.push(await rounds.next());
  // of each outage two: what a process holds after the second is what it held after the first
  const [first, second] = [all.slice(0, 5), all.slice(5)];
  for (const { underWay } of all) {
    expect(underWay).toEqual({ flights: 0, tickets: 0, waiters: 0, background: 0, pendingEvictions: 0 });
  }
  const most = (held: readonly Held[], kind: string) => Math.max(...held.map(({ resources }) => resources[kind] ?? 0));
  expect(most(second, 'TCPSocketWrap')).toBeLessThanOrEqual(most(first, 'TCPSocketWrap'));
  expect(most(second, 'Timeout')).toBeLessThanOrEqual(most(first, 'Timeout') + 2);
  expect(second.at(-1)!.calls - first.at(-1)!.calls).toBeGreaterThan(100);
  expect(warnings).toEqual([]);
}, 120_000);
