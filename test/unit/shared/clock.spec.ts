import { describe, expect, it } from '@jest/globals';
import { largerElapsed } from '../../../lib/shared/clock.js';

/** Two clocks in the test's hands. */
function clocks() {
  let passedMicros = 250;
  const at = { wall: 1_800_000_000_000 };
  const looks = { monotonic: 0, wall: 0 };
  const now = largerElapsed(
    () => {
      looks.monotonic += 1;
      return passedMicros / 1_000;
    },
    () => {
      looks.wall += 1;
      return at.wall + Math.floor(passedMicros / 1_000);
    },
  );
  const start = now();
  const pass = (ms: number) => void (passedMicros += ms * 1_000);
  return { at, looks, pass, elapsed: () => now() - start };
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
    pass(1);
    expect(elapsed()).toBeGreaterThanOrEqual(4_010);
  });

  it.each([0, 0.001, 0.4, 0.999, 1, 7])('notices a stop 1 ms of running time after, %d ms after a look', (sinceMs) => {
    const { at, pass, elapsed } = clocks();
    pass(50);
    elapsed();
    pass(sinceMs);
    elapsed();
    at.wall += 4_000;
    for (let n = 0; n < 10; n++) {
      elapsed();
      pass(0.1);
    }
    expect(elapsed()).toBeGreaterThanOrEqual(4_050 + sinceMs);
  });

  it('looks at the wall clock once in 1 ms, at the monotonic one each time', () => {
    const { looks, pass, elapsed } = clocks();
    const before = { ...looks };
    for (let n = 0; n < 10_000; n++) {
      pass(0.01);
      elapsed();
    }
    expect(looks.monotonic - before.monotonic).toBe(10_000);
    expect(looks.wall - before.wall).toBeGreaterThanOrEqual(99);
    expect(looks.wall - before.wall).toBeLessThanOrEqual(101);
  });

  it('goes on from where it was when another clock takes the place of the monotonic one, and that one comes back', () => {
    const real = { passed: 60_000, wall: 1_800_000_000_000 };
    let fake: typeof real | null = null;
    const now = largerElapsed(
      () => (fake ?? real).passed,
      () => (fake ?? real).wall,
    );
    const start = now();
    fake = { passed: 0, wall: real.wall };
    expect(now() - start).toBe(0);
    fake.passed += 30_000;
    fake.wall += 30_000;
    expect(now() - start).toBe(30_000);
    fake = { passed: 0, wall: real.wall };
    expect(now() - start).toBe(30_000);
    fake.passed += 1_000;
    fake.wall += 1_000;
    expect(now() - start).toBe(31_000);
    fake = null;
    expect(now() - start).toBeGreaterThanOrEqual(31_000);
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
