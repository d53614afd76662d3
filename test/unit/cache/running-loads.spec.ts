import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import type { Lease } from '../../../lib/cache/held-lease.js';
import { LoadTerm } from '../../../lib/cache/load-term.js';
import { RunningLoads } from '../../../lib/cache/running-loads.js';
import { FakeClock } from '../../support/fake-clock.js';
import { storesOfTimers } from '../../support/timer-stores.js';

/** Its timers do not count the time in which the machine stands still. */
class StoppingClock extends FakeClock {
  private stoodStillMs = 0;
  override now(): number {
    return super.now() + this.stoodStillMs;
  }
  standStill(ms: number): void {
    this.stoodStillMs += ms;
  }
}

function world() {
  const clock = new StoppingClock(0);
  const running = new RunningLoads(clock);
  const happened: string[] = [];
  const told = (what: string) => void happened.push(`${clock.now()} ${what}`);
  const lease = (renewEveryMs: number): Lease => ({
    isHeld: true,
    renewEveryMs,
    renew: (restMs) => told(`renew ${restMs}`),
    fill: () => Promise.resolve(null),
    release() {},
  });
  const begin = (leaseMs: number, renewEveryMs = Infinity) => {
    const term = new LoadTerm(lease(renewEveryMs), leaseMs, clock.now(), () => told('end'));
    running.begin(term, clock.now());
    return term;
  };
  return { clock, running, happened, begin };
}

describe('loads that run', () => {
  it('share one timer', () => {
    const { clock, begin } = world();
    for (let n = 0; n < 100; n++) begin(1_000 + n);
    expect(clock.pendingTimers).toBe(1);
  });

  it('are renewed until their lease is over, each at its own time', async () => {
    const { clock, happened, begin } = world();
    begin(1_000, 400);
    await clock.advance(100);
    begin(300);
    await clock.advance(2_000);
    expect(happened).toEqual(['400 renew 600', '400 end', '800 renew 200', '1000 end']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('are called no more once they have ended', async () => {
    const { clock, running, happened, begin } = world();
    running.end(begin(1_000, 300));
    begin(500);
    await clock.advance(2_000);
    expect(happened).toEqual(['500 end']);
  });

  it('take the timer over from a later one', async () => {
    const { clock, happened, begin } = world();
    begin(1_000);
    begin(100);
    await clock.advance(100);
    expect(happened).toEqual(['100 end']);
    expect(clock.pendingTimers).toBe(1);
  });

  it.each([9_500, 60_000])('are renewed in time after the machine stood still for %d ms', async (stoodMs) => {
    const { clock, running, happened, begin } = world();
    running.end(begin(10_000));
    clock.standStill(stoodMs);
    begin(10_000, 650);
    await clock.advance(1_300);
    expect(happened).toEqual([`${stoodMs + 650} renew 9350`, `${stoodMs + 1_300} renew 8700`]);
  });

  it('end soon after the machine stood still for longer than their lease', async () => {
    const { clock, happened, begin } = world();
    begin(10_000);
    clock.standStill(60_000);
    await clock.advance(600);
    expect(happened).toEqual(['60600 end']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('leave nothing of the request that set it with the timer', async () => {
    const { clock, begin } = world();
    const request = new AsyncLocalStorage<string>();
    const setIn = storesOfTimers(clock, request);
    request.run('first', () => begin(1_000));
    await clock.advance(1_000);
    expect(setIn).toEqual([undefined, undefined]);
  });

  it('leave no timer behind when all have ended and the cache was closed', () => {
    const { clock, running, begin } = world();
    const last = begin(1_000);
    running.close();
    expect(clock.pendingTimers).toBe(1);
    running.end(last);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the signal of a load', () => {
  it('is the same each time, and aborts when the lease is over', async () => {
    const { clock, begin } = world();
    const term = begin(1_000);
    const { signal } = term;
    expect(term.signal).toBe(signal);
    expect(signal.aborted).toBe(false);
    await clock.advance(1_000);
    expect(signal.aborted).toBe(true);
    expect((signal.reason as Error).name).toBe('AbortError');
  });

  it('is listened to as part of the request that asked for it', async () => {
    const { clock, begin } = world();
    const request = new AsyncLocalStorage<string>();
    const heard: unknown[] = [];
    for (const name of ['first', 'second'])
      request.run(name, () => begin(1_000).signal.addEventListener('abort', () => heard.push(request.getStore())));
    await clock.advance(1_000);
    expect(heard).toEqual(['first', 'second']);
  });

  it('is aborted, for the reason there was, when it is asked for after that', () => {
    const { begin } = world();
    const term = begin(1_000);
    term.abort('too late');
    term.abort('another');
    expect(term.signal.aborted).toBe(true);
    expect(term.signal.reason).toBe('too late');
  });
});
