// Does anything grow? Rounds of fresh keys with an outage in each, for minutes; ends with 1 when the heap went on
// growing.
// npm run growth:soak -- --minutes 10
import { parseArgs } from 'node:util';
import { OutageRounds } from './outages.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
if (globalThis.gc === undefined) throw new Error('run it with --expose-gc');

const rounds = await OutageRounds.start(globalThis.gc);
const untilMs = performance.now() + Number(values.minutes) * 60_000;
const heaps: number[] = [];
for (let round = 1; performance.now() < untilMs; round++) {
  const held = await rounds.next();
  heaps.push(held.heapBytes);
  if (round % 5 !== 0) continue;
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
  const resources = JSON.stringify(held.resources);
  console.log(
    `round ${round}: ${held.calls} calls, ${held.failures} failures, heap ${mb(held.heapBytes)} MB, rss ${mb(held.rssBytes)} MB, ${resources}`,
  );
}
await rounds.end();

/** By the halves after a warm-up: chance makes one round differ from the next by more than a leak would. */
const steady = heaps.slice(Math.floor(heaps.length / 4));
const middle = Math.floor(steady.length / 2);
const mean = (all: readonly number[]) => all.reduce((sum, bytes) => sum + bytes, 0) / all.length;
const grownBytes = mean(steady.slice(middle)) - mean(steady.slice(0, middle));
console.log(`the heap grew by ${(grownBytes / 1e3).toFixed(0)} kB from the third to the last part`);
process.exitCode = grownBytes > 1_000_000 ? 1 : 0;
