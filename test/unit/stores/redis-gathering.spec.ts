import { expect, it } from '@jest/globals';
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
