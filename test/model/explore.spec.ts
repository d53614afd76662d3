import { describe, expect, it } from '@jest/globals';
import { explore, type Model } from './explore.js';
import { Layout, type State } from './layout.js';

/** Two counters to 40; the planted mistake is at one point of the 41 × 41 only. */
function counters(planted?: readonly [number, number]): Model {
  const layout = new Layout();
  const [a, b] = [layout.slot('a'), layout.slot('b')];
  const up = (name: string, slot: number) => ({
    name,
    when: (s: State) => s[slot]! < 40,
    then: (s: State) => void s[slot]!++,
  });
  return {
    initial: layout.initial(),
    steps: [up('a', a), up('b', b), { name: 'never', when: () => false, then: () => undefined }],
    broken: (s) => (planted && s[a] === planted[0] && s[b] === planted[1] ? 'planted' : undefined),
  };
}

describe('explore', () => {
  it('visits each state once, and says which steps were never possible', () => {
    const result = explore(counters());
    expect(result).toMatchObject({ states: 41 * 41, transitions: 2 * 40 * 41, isComplete: true, violation: null });
    expect(result.idle).toEqual(['never']);
  });

  it('finds a violation planted in a single state, by a shortest way', () => {
    const { violation } = explore(counters([3, 40]));
    expect(violation?.message).toBe('planted');
    expect(violation?.trace).toHaveLength(43);
    expect(Array.from(violation!.trace.at(-1)!.state)).toEqual([3, 40]);
  });

  it('finds a violation in the state it begins with', () => {
    expect(explore(counters([0, 0])).violation).toEqual({ message: 'planted', trace: [] });
  });

  it('finds a step that breaks a promise, also where it leads to a known state', () => {
    const model = counters();
    const step = { name: 'wrong', when: (s: State) => s[0] === 40, then: () => 'broken by a step' };
    const { violation } = explore({ ...model, steps: [...model.steps, step] });
    expect(violation).toMatchObject({ message: 'broken by a step' });
    expect(violation?.trace).toHaveLength(41);
  });

  it('says when it stopped at its limit', () => {
    expect(explore(counters(), 100)).toMatchObject({ isComplete: false, violation: null });
  });

  it('goes on with bytes that grow, and with a step that copies them', () => {
    const layout = new Layout();
    const [small, large, copy] = [layout.slot('small', 1), layout.slot('large', 200), layout.slot('copy')];
    const result = explore({
      initial: layout.initial(),
      steps: [
        { name: 'small', when: (s) => s[small]! < 3, then: (s) => void s[small]!++ },
        { name: 'large', when: (s) => s[large] !== 30, then: (s) => void s[large]!++ },
        { name: 'copy', when: () => true, then: (s) => void s.copyWithin(copy, large, large + 1) },
      ],
      broken: (s) => (s[large] === 30 && s[copy] === 29 && s[small] === 3 ? 'copied' : undefined),
    });
    // 200 to 255, and from 0 to 30
    const ways = 86;
    expect(result.violation?.trace).toHaveLength(ways + 1 + 2);
    const last = result.violation!.trace.at(-1)!.state;
    expect(Array.from(last)).toEqual([3, 30, 29]);
  });

  it('keeps apart what two steps write to one byte that was never written before', () => {
    const to = (value: number) => ({
      name: `to ${value}`,
      when: (s: State) => s[0] === 0,
      then: (s: State) => void (s[0] = value),
    });
    const result = explore({ initial: new Uint8Array(2), steps: [to(4), to(2), to(1)], broken: () => undefined });
    expect(result).toMatchObject({ states: 4, transitions: 3 });
  });

  it('refuses a step that depends on more than the state', () => {
    const model = counters();
    let asked = 0;
    const step = { name: 'hidden', when: (s: State) => s[asked++ % 2] === 1, then: () => undefined };
    expect(() => explore({ ...model, steps: [...model.steps, step] })).toThrow('more than the bytes it looks at');
  });
});
