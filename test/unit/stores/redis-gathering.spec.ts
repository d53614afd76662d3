import { describe, expect, it } from '@jest/globals';
import { Gathering } from '../../../lib/stores/redis/gathering.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

it('sends nothing at the end of a turn when all went before it', async () => {
  const clock = new FakeClock();
  let sent = 0;
  const gathering = new Gathering(clock, () => (sent += 1));
  gathering.added();
  await new Promise((resolve) => process.nextTick(resolve));
  gathering.added(); // for the end of the turn
  clock.jump(1);
  gathering.added(); // which takes long, so all go at once
  await settle();
  expect(sent).toBe(2);
});

describe('what follows an answer', () => {
  const inCallback = () => new Promise((resolve) => process.nextTick(resolve));

  /** How many were sent once the callback of the answer had ended, to `many` of which the last sending was. */
  async function sentAfter(many: number, followed: number): Promise<number> {
    let sent = 0;
    const gathering = new Gathering(new FakeClock(), () => (sent += 1));
    for (let n = 0; n < many; n++) gathering.added();
    await inCallback();
    await new Promise<void>((resolve) => {
      queueMicrotask(() => {
        gathering.answered();
        resolve();
      });
    });
    for (let n = 0; n < followed; n++) gathering.added();
    await inCallback();
    await inCallback();
    return sent;
  }

  it('goes at the end of its callback where that was the answer to one alone', async () => {
    expect(await sentAfter(1, 1)).toBe(2);
    expect(await sentAfter(1, 3)).toBe(2);
    expect(await sentAfter(1, 0)).toBe(1);
  });

  it('waits for the end of the turn where that was the answer to many, whose callers may come one by one', async () => {
    expect(await sentAfter(2, 1)).toBe(1);
  });

  it('is no reason to send what waits for the end of the turn', async () => {
    let sent = 0;
    const gathering = new Gathering(new FakeClock(), () => (sent += 1));
    gathering.added();
    await inCallback();
    gathering.added();
    gathering.answered();
    await inCallback();
    expect(sent).toBe(1);
    await settle();
    expect(sent).toBe(2);
  });
});
