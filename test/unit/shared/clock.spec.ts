import { describe, expect, it } from '@jest/globals';
import { largerElapsed } from '../../../lib/shared/clock.js';

/** Two clocks in the test's hands. */
function clocks() {
  let passedMicros = 250;
  const at = { wall: 1_800_000_000_000 };
  const now = largerElapsed(
    () => passedMicros / 1_000,
    () => at.wall + Math.floor(passedMicros / 1_000),
  );
  const start = now();
  const pass = (ms: number) => void (passedMicros += ms * 1_000);
  return { at, pass, elapsed: () => now() - start };
}

describe('the larger elapsed time of two clocks', () => {
  it('is that of the monotonic clock while both go on, however often it is asked for', () => {
    const { pass, elapsed } = clocks();
    for (let n = 0; n < 10_000; n++) {
      pass(0.37);
      elapsed();
    }
    expect(elapsed()).toBeCloseTo(3_700, 6);
  });

  it('counts time in which the monotonic clock stood still', () => {
    const { at, pass, elapsed } = clocks();
    pass(10);
    at.wall += 4_000;
    expect(elapsed()).toBeGreaterThanOrEqual(4_009);
    pass(10);
    expect(elapsed()).toBeLessThan(4_022);
  });

  it('counts a stop after the wall clock was set back, by however much', () => {
    const { at, pass, elapsed } = clocks();
    at.wall -= 3_600_000;
    expect(elapsed()).toBe(0);
    pass(10);
    expect(elapsed()).toBeCloseTo(10, 6);
    at.wall += 4_000;
    expect(elapsed()).toBeGreaterThanOrEqual(4_009);
  });

  it('never goes back', () => {
    const { at, pass, elapsed } = clocks();
    let last = elapsed();
    for (const step of [50, -20, 3_000, -9_000, 1, -1, 60_000, -60_000]) {
      at.wall += step;
      pass(0.5);
      const now = elapsed();
      expect(now).toBeGreaterThan(last);
      last = now;
    }
  });
});
