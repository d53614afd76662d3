import { describe, expect, it } from '@jest/globals';
import { concatWith, defer, first, lastValueFrom, map, mergeAll, type Observable, of, toArray } from 'rxjs';
import { OneAnswer } from '../../../lib/http/one-answer.js';

/** What comes, in its order, and whether it ends. */
function seenBy(subscribe: (next: (value: unknown) => void, complete: () => void) => unknown): unknown[] {
  const seen: unknown[] = [];
  subscribe(
    (value) => seen.push(value),
    () => seen.push('end'),
  );
  return seen;
}

describe('an observable of one answer', () => {
  it.each<[string, (one: Observable<unknown>) => Observable<unknown>, unknown[]]>([
    ['an operator', (one) => one.pipe(map((value) => [value])), [['answer']]],
    ['an operator that ends early', (one) => one.pipe(first()), ['answer']],
    ['one that follows it', (one) => one.pipe(concatWith(of(2))), ['answer', 2]],
    ["Nest's chain of interceptors", (one) => defer(() => Promise.resolve(one)).pipe(mergeAll()), ['answer']],
  ])('gives %s what of() gives', async (_, chain, all) => {
    expect(await lastValueFrom(chain(new OneAnswer('answer')).pipe(toArray()))).toEqual(all);
    expect(await lastValueFrom(chain(of('answer')).pipe(toArray()))).toEqual(all);
  });

  it('gives functions and observers its answer, and ends', () => {
    const one = new OneAnswer(undefined);
    expect(seenBy((next, complete) => one.subscribe(next, undefined, complete))).toEqual([undefined, 'end']);
    expect(seenBy((next, complete) => one.subscribe({ next, complete }))).toEqual([undefined, 'end']);
    expect(one.subscribe().closed).toBe(true);
  });

  it('answers each who subscribes', async () => {
    const one = new OneAnswer(1);
    expect([await lastValueFrom(one), await lastValueFrom(one)]).toEqual([1, 1]);
  });

  it('fails with whom it answers', async () => {
    const failing = new OneAnswer(1).pipe(
      map(() => {
        throw new Error('no');
      }),
    );
    await expect(lastValueFrom(failing)).rejects.toThrow('no');
  });
});
