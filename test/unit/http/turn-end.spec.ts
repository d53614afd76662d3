import { describe, expect, it } from '@jest/globals';
import { turnEnd } from '../../../lib/http/turn-end.js';

describe('the end of a turn', () => {
  it('is one for all who ask within it, and comes after what the turn does by callback and promise', async () => {
    const order: string[] = [];
    const first = turnEnd().then(() => order.push('end'));
    process.nextTick(() => {
      order.push('tick');
      void Promise.resolve().then(() => process.nextTick(() => order.push('tick of a promise of a tick')));
    });
    await Promise.resolve();
    expect(turnEnd()).toBe(turnEnd());
    order.push('promise');
    await first;
    expect(order.toSorted()).toEqual(['end', 'promise', 'tick', 'tick of a promise of a tick']);
    expect(order.at(-1)).toBe('end');
  });

  it('is another in the next turn', async () => {
    const first = turnEnd();
    await first;
    const next = turnEnd();
    expect(next).not.toBe(first);
    await next;
  });
});
