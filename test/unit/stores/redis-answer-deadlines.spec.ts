import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { AnswerDeadlines } from '../../../lib/stores/redis/answer-deadlines.js';
import { FakeClock, gate } from '../../support/fake-clock.js';
import { storesOfTimers } from '../../support/timer-stores.js';

const TIMEOUT_MS = 250;

function someDeadlines() {
  const clock = new FakeClock();
  let deaths = 0;
  const deadlines = new AnswerDeadlines({
    clock,
    timeoutMs: TIMEOUT_MS,
    deadAfterMs: 1_000,
    onDead: () => (deaths += 1),
  });
  return { clock, deadlines, deaths: () => deaths };
}

const outcomeOf = (call: Promise<unknown>) => {
  const seen: { outcome: unknown } = { outcome: 'pending' };
  call.then(
    (value) => (seen.outcome = value),
    (error: Error) => (seen.outcome = error.message),
  );
  return seen;
};

describe('the deadlines of a connection', () => {
  it('pass an answer on, and leave no timer behind', async () => {
    const { clock, deadlines } = someDeadlines();
    const answer = gate<string>();
    const call = outcomeOf(deadlines.bound(answer.promise));
    answer.open('a value');
    await clock.advance(TIMEOUT_MS);
    expect(call.outcome).toBe('a value');
    expect(clock.pendingTimers).toBe(0);
  });

  it('keep nothing of the request that set their timer', async () => {
    const { clock, deadlines } = someDeadlines();
    const request = new AsyncLocalStorage<string>();
    const setIn = storesOfTimers(clock, request);
    const call = request.run('first', () => outcomeOf(deadlines.bound(gate().promise)));
    await clock.advance(2 * TIMEOUT_MS);
    expect(call.outcome).not.toBe('pending');
    expect(setIn.filter((stored) => stored !== undefined)).toEqual([]);
  });

  it('keep nothing of what was answered, or given up', async () => {
    const { clock, deadlines } = someDeadlines();
    const onLate = () => {};
    const [answered, late] = [deadlines.start(onLate, clock.now()), deadlines.start(onLate, clock.now())];
    deadlines.end(answered);
    expect([answered.onLate, late.onLate].map((held) => held === onLate)).toEqual([false, true]);
    await clock.advance(2 * TIMEOUT_MS);
    expect(late.onLate).not.toBe(onLate);
    expect(clock.pendingTimers).toBe(1);
    deadlines.end(late);
  });

  it('give a call up after its timeout, a tenth later at most', async () => {
    const { clock, deadlines } = someDeadlines();
    const first = outcomeOf(deadlines.bound(gate().promise));
    await clock.advance(TIMEOUT_MS / 2);
    const second = outcomeOf(deadlines.bound(gate().promise));
    await clock.advance(TIMEOUT_MS / 2 - 1);
    expect(first.outcome).toBe('pending');
    await clock.advance(TIMEOUT_MS / 10 + 1);
    expect([first.outcome, second.outcome]).toEqual(['No answer within 250 ms', 'pending']);
    await clock.advance(TIMEOUT_MS / 2);
    expect(second.outcome).toBe('No answer within 250 ms');
  });

  it('do not count time in which the event loop was blocked', async () => {
    const { clock, deadlines, deaths } = someDeadlines();
    const answer = gate<string>();
    const call = outcomeOf(deadlines.bound(answer.promise));
    for (let n = 0; n < 3; n++) {
      clock.jump(1_000);
      await clock.advance(0);
    }
    expect(call.outcome).toBe('pending');
    answer.open('a value');
    await clock.advance(0);
    expect(call.outcome).toBe('a value');
    expect(deaths()).toBe(0);
  });

  it('begin with the write also after a block in the same turn', async () => {
    const { clock, deadlines } = someDeadlines();
    void deadlines.bound(gate().promise).catch(() => {});
    clock.jump(1_000);
    const call = outcomeOf(deadlines.bound(gate().promise));
    await clock.advance(TIMEOUT_MS - 1);
    expect(call.outcome).toBe('pending');
  });

  it('hand an answer that came late to who wants it, once', async () => {
    const { clock, deadlines } = someDeadlines();
    const answer = gate<string>();
    const late: string[] = [];
    const call = outcomeOf(deadlines.bound(answer.promise, (value) => late.push(value)));
    await clock.advance(2 * TIMEOUT_MS);
    expect([call.outcome, late]).toEqual(['No answer within 250 ms', []]);
    answer.open('a lease');
    await clock.advance(0);
    expect(late).toEqual(['a lease']);
  });

  it('call a connection dead on which nothing is heard, and not one that answers slowly', async () => {
    const slow = someDeadlines();
    for (let n = 0; n < 10; n++) {
      const answer = gate();
      void slow.deadlines.bound(answer.promise).catch(() => {});
      await slow.clock.advance(2 * TIMEOUT_MS);
      answer.open();
    }
    expect(slow.deaths()).toBe(0);

    const hung = someDeadlines();
    void hung.deadlines.bound(gate().promise).catch(() => {});
    await hung.clock.advance(900);
    expect(hung.deaths()).toBe(0);
    await hung.clock.advance(200);
    expect(hung.deaths()).toBe(1);
  });

  it('call it dead once, and again when it is no better after as long a time', async () => {
    const { clock, deadlines, deaths } = someDeadlines();
    void deadlines.bound(gate().promise).catch(() => {});
    await clock.advance(1_800);
    expect(deaths()).toBe(1);
    await clock.advance(1_000);
    expect(deaths()).toBe(2);
  });
});

describe('a server whose answers are quick', () => {
  /** So many answers, each after `tookMs`. */
  async function answered(
    count: number,
    tookMs: number,
    { clock, deadlines }: ReturnType<typeof someDeadlines>,
    { isLate = false } = {},
  ) {
    for (let n = 0; n < count; n++) {
      const answer = gate<number>();
      const call = deadlines.bound(answer.promise);
      await clock.advance(tookMs);
      answer.open(n);
      await (isLate ? call.catch(() => {}) : call);
    }
  }

  it('is waited for less, once enough answers are known', async () => {
    const world = someDeadlines();
    await answered(49, 1, world);
    expect(world.deadlines.waitMs).toBe(TIMEOUT_MS);
    await answered(1, 1, world);
    expect(world.deadlines.waitMs).toBe(75);
    const call = outcomeOf(world.deadlines.bound(gate().promise));
    await world.clock.advance(74);
    expect(call.outcome).toBe('pending');
    await world.clock.advance(17);
    expect(call.outcome).toBe('No answer within 75 ms');
  });

  it('is waited for four times what its slow answers take, and never longer than the timeout', async () => {
    const world = someDeadlines();
    await answered(50, 1, world);
    await answered(1, 20, world);
    expect(world.deadlines.waitMs).toBe(80);
    await answered(320, 30, world);
    expect(world.deadlines.waitMs).toBe(120);
    await answered(320, 74, world);
    expect(world.deadlines.waitMs).toBe(TIMEOUT_MS);
    await answered(320, 1, world);
    expect(world.deadlines.waitMs).toBe(75);
  });

  it('is waited for no longer because its machine paused now and then', async () => {
    const world = someDeadlines();
    await answered(320, 1, world);
    await answered(3, 60, world);
    await answered(100, 1, world);
    await answered(3, 60, world);
    expect(world.deadlines.waitMs).toBe(75);
    await answered(320, 1, world);
    expect(world.deadlines.waitMs).toBe(75);
  });

  it('that becomes slow is waited for longer from its first late answer on', async () => {
    const world = someDeadlines();
    await answered(50, 1, world);
    const answer = gate<string>();
    const late: string[] = [];
    const call = outcomeOf(world.deadlines.bound(answer.promise, (value) => late.push(value)));
    await world.clock.advance(200);
    expect(call.outcome).toBe('No answer within 75 ms');
    answer.open('late');
    await world.clock.advance(0);
    expect(late).toEqual(['late']);
    expect(world.deadlines.waitMs).toBe(TIMEOUT_MS);
    // it is forgotten, slowly
    await world.clock.advance(10_000);
    await answered(320, 1, world);
    expect(world.deadlines.waitMs).toBeGreaterThan(200);
    await world.clock.advance(60_000);
    await answered(1, 1, world);
    expect(world.deadlines.waitMs).toBe(75);
  });

  it.each([10, 1_000, 3_000])('that pauses as long again is waited for, with %i answers between', async (between) => {
    const world = someDeadlines();
    await answered(320, 0, world);
    await answered(1, 100, world, { isLate: true });
    for (let pause = 0; pause < 5; pause++) {
      await answered(between, 0, world);
      await world.clock.advance(1_000);
      expect(world.deadlines.waitMs).toBeGreaterThan(115);
      await answered(1, 100, world);
    }
  });

  it('is not taken for a slow one because its connection closed', async () => {
    const world = someDeadlines();
    await answered(50, 1, world);
    const closed = gate();
    const call = outcomeOf(world.deadlines.bound(closed.promise));
    await world.clock.advance(60);
    closed.fail(new Error('Connection is closed.'));
    await world.clock.advance(0);
    expect(call.outcome).toBe('Connection is closed.');
    expect(world.deadlines.waitMs).toBe(75);
  });

  it('is not hurried while it works on something long', async () => {
    const world = someDeadlines();
    await answered(50, 1, world);
    const long = gate();
    const working = world.deadlines.bound(long.promise, undefined, true);
    expect(world.deadlines.waitMs).toBe(TIMEOUT_MS);
    const behind = outcomeOf(world.deadlines.bound(gate().promise));
    await world.clock.advance(200);
    expect(behind.outcome).toBe('pending');
    long.open();
    await working;
    expect(world.deadlines.waitMs).toBe(75);
  });

  it('is not waited for at all once it is given up', async () => {
    const world = someDeadlines();
    const calls = [1, 2, 3].map(() => outcomeOf(world.deadlines.bound(gate().promise)));
    world.deadlines.giveUp();
    await world.clock.advance(0);
    expect(calls.map(({ outcome }) => outcome)).toEqual(Array(3).fill('No answer within 250 ms'));
  });
});
