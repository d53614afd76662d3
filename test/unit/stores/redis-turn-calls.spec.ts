import { describe, expect, it } from '@jest/globals';
import { TurnCalls } from '../../../lib/stores/redis/turn-calls.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

interface Item {
  readonly group: string;
  readonly name: number;
  readonly weight?: number;
}

function counting(send = async (items: readonly Item[]): Promise<readonly number[]> => items.map(({ name }) => name)) {
  const sent: number[][] = [];
  /** Which of them were said to be full. */
  const full: number[] = [];
  const clock = new FakeClock();
  const calls = new TurnCalls<Item, number>({
    clock,
    groupOf: ({ group }) => group,
    isAlike: (one, other) => one.group === other.group,
    weightOf: ({ weight = 0 }) => weight,
    send: (items, isFull) => {
      sent.push(items.map(({ name }) => name));
      if (isFull) full.push(sent.length - 1);
      return send(items);
    },
  });
  return { sent, full, calls, clock };
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

  it('fail alone where their call cannot be made', async () => {
    const { calls } = counting((items) => {
      if (items[0]!.group === 'bad') throw new TypeError('x');
      return Promise.resolve(items.map(({ name }) => name));
    });
    const groups = ['a', 'bad', 'b'];
    const ends = await Promise.allSettled(groups.map((group, name) => calls.add({ group, name })));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('go at once after a pause; those that come within a millisecond of them go together', async () => {
    // what follows an answer is another matter
    const { sent, calls, clock } = counting(() => new Promise(() => {}));
    const inCallbacks = async (...names: number[]) => {
      for (const name of names) {
        void calls.add({ group: 'a', name });
        await new Promise((resolve) => process.nextTick(resolve));
      }
    };
    await inCallbacks(1, 2, 3);
    expect(sent).toEqual([[1]]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([[1], [2, 3]]);

    // in a turn that takes long they do not wait for its end
    await inCallbacks(4);
    clock.jump(1);
    await inCallbacks(5, 6);
    expect(sent).toEqual([[1], [2, 3], [4, 5]]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([[1], [2, 3], [4, 5], [6]]);
  });

  it('go at the end of the callback where callers go on with them who were answered alone', async () => {
    const clock = new FakeClock();
    const sent: number[] = [];
    const options = { clock, groupOf: String, isAlike: () => false, weightOf: () => 0 };
    const asked = new TurnCalls<number, number>({
      ...options,
      send: async (items) => items,
      onAnswer: () => told.mayFollow(asked),
    });
    const told = new TurnCalls<number, number>({ ...options, send: async (items) => (sent.push(...items), items) });
    await told.add(1);
    // within the millisecond
    await asked.add(2);
    void told.add(3);
    await new Promise((resolve) => process.nextTick(resolve));
    expect(sent).toEqual([1, 3]);
    await settle();

    await Promise.all([asked.add(4), asked.add(5)]);
    void told.add(6);
    await new Promise((resolve) => process.nextTick(resolve));
    expect(sent).toEqual([1, 3]);
    await settle();
    expect(sent).toEqual([1, 3, 6]);
  });

  it('are several where they are many, or heavy', async () => {
    const { sent, calls } = counting();
    await Promise.all(Array.from({ length: 66 }, (_, name) => calls.add({ group: 'a', name })));
    expect(sent.map(({ length }) => length)).toEqual([32, 32, 2]);
    sent.length = 0;
    await Promise.all([1, 2, 3].map((name) => calls.add({ group: 'a', name, weight: 600_000 })));
    expect(sent).toEqual([[1, 2], [3]]);
  });

  it('wait for nothing once a call is full', async () => {
    const { sent, full, calls } = counting();
    const answers = Array.from({ length: 33 }, (_, name) => calls.add({ group: 'a', name }));
    await Promise.resolve();
    expect([sent.length, full]).toEqual([1, [0]]);
    await Promise.all(answers);
    expect([sent.length, full]).toEqual([2, [0]]);
  });

  it('of several groups that are many are several of each, with the answers of their own', async () => {
    const { sent, calls } = counting();
    const items = Array.from({ length: 132 }, (_, name) => ({ group: name % 2 ? 'odd' : 'even', name }));
    expect(await Promise.all(items.map((item) => calls.add(item)))).toEqual(items.map(({ name }) => name));
    expect(sent.map(({ length }) => length)).toEqual([32, 32, 32, 32, 2, 2]);
  });

  it('fail together', async () => {
    const { calls } = counting(async () => Promise.reject(new Error('no')));
    const failed = await Promise.allSettled([1, 2].map((name) => calls.add({ group: 'a', name })));
    await settle();
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
