import { describe, expect, it } from '@jest/globals';
import { TurnCalls } from '../../../lib/stores/redis/turn-calls.js';
import { settle } from '../../support/fake-clock.js';

interface Item {
  readonly group: string;
  readonly name: number;
  readonly weight?: number;
}

function counting(send = async (items: readonly Item[]): Promise<readonly number[]> => items.map(({ name }) => name)) {
  const sent: number[][] = [];
  const calls = new TurnCalls<Item, number>({
    groupOf: ({ group }) => group,
    weightOf: ({ weight = 0 }) => weight,
    send: (items) => {
      sent.push(items.map(({ name }) => name));
      return send(items);
    },
  });
  return { sent, calls };
}

describe('the calls of one turn', () => {
  it('are one for each group, and each gets its own answer', async () => {
    const { sent, calls } = counting();
    const items = [1, 2, 3, 4].map((name) => ({ group: name % 2 ? 'odd' : 'even', name }));
    expect(await Promise.all(items.map((item) => calls.add(item)))).toEqual([1, 2, 3, 4]);
    expect(sent).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(await calls.add({ group: 'odd', name: 5 })).toBe(5);
    expect(sent).toHaveLength(3);
  });

  it('are those of all its callbacks, as of requests that came at the same time', async () => {
    const { sent, calls } = counting();
    const answers = [calls.add({ group: 'a', name: 1 })];
    await new Promise((resolve) => process.nextTick(resolve));
    answers.push(calls.add({ group: 'a', name: 2 }));
    await Promise.all(answers);
    expect(sent).toEqual([[1, 2]]);
  });

  it('are several where they are many, or heavy', async () => {
    const { sent, calls } = counting();
    await Promise.all(Array.from({ length: 130 }, (_, name) => calls.add({ group: 'a', name })));
    expect(sent.map(({ length }) => length)).toEqual([64, 64, 2]);
    sent.length = 0;
    await Promise.all([1, 2, 3].map((name) => calls.add({ group: 'a', name, weight: 600_000 })));
    expect(sent).toEqual([[1, 2], [3]]);
  });

  it('fail together', async () => {
    const { calls } = counting(async () => Promise.reject(new Error('no')));
    const failed = await Promise.allSettled([1, 2].map((name) => calls.add({ group: 'a', name })));
    await settle();
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
