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
});
