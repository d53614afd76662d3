import { describe, expect, it } from '@jest/globals';
import { Bag, type Baggable } from '../../../lib/shared/bag.js';

interface Thing extends Baggable {
  name: string;
}
const things = (...names: string[]): Thing[] => names.map((name) => ({ name }));
const namesIn = (bag: Bag<Thing>) =>
  bag
    .all()
    .map(({ name }) => name)
    .sort();

describe('Bag', () => {
  it('has what was added until it is taken out, in whatever order', () => {
    const bag = new Bag<Thing>();
    const [a, b, c] = things('a', 'b', 'c') as [Thing, Thing, Thing];
    for (const thing of [a, b, c]) bag.add(thing);
    bag.delete(a);
    expect([bag.has(a), bag.has(c), bag.size]).toEqual([false, true, 2]);
    bag.delete(c);
    bag.add(a);
    expect(namesIn(bag)).toEqual(['a', 'b']);
    bag.delete(b);
    bag.delete(a);
    expect([bag.size, bag.all()]).toEqual([0, []]);
  });

  it('takes nothing out for what has left already', () => {
    const bag = new Bag<Thing>();
    const [a, b, never] = things('a', 'b', 'never') as [Thing, Thing, Thing];
    bag.add(a);
    bag.add(b);
    bag.delete(a);
    bag.delete(a);
    bag.delete(never);
    expect(namesIn(bag)).toEqual(['b']);
  });

  it('may change while one goes through those of now', () => {
    const bag = new Bag<Thing>();
    for (const thing of things('a', 'b', 'c')) bag.add(thing);
    const seen: string[] = [];
    for (const thing of bag.all()) {
      seen.push(thing.name);
      bag.delete(thing);
    }
    expect([seen, bag.size]).toEqual([['a', 'b', 'c'], 0]);
  });
});
