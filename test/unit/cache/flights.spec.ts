import { describe, expect, it } from '@jest/globals';
import type { EntryCall } from '../../../lib/cache/entry-call.js';
import { Flight, type Outcome } from '../../../lib/cache/flight.js';
import { Flights } from '../../../lib/cache/flights.js';
import { LoadScopes } from '../../../lib/cache/load-scopes.js';

const region = {} as EntryCall['region'];
/** A read of the entry of this name. */
const read = (entry: string) => ({ region, key: { entry }, policy: { shape: {} } }) as EntryCall;
const value = (v: unknown): Outcome => ({
  kind: 'value',
  at: 1,
  source: 'load',
  take: () => v,
  freshUntilMs: null,
  isTainted: false,
});

/** Flights of a process before Node 24. */
function process() {
  const scopes = new LoadScopes(false);
  const run = <T>(flight: Flight, load: () => T): T =>
    scopes.run({ isTainted: false, beganAtMs: 0, held: null, flight, takesLoadsOnly: false, within: undefined }, load);
  return { scopes, flights: new Flights(scopes), owner: () => scopes.current()?.flight ?? undefined, run };
}

describe('Flights', () => {
  it('has one flight per name until it ends', async () => {
    const { flights } = process();
    const flight = flights.begin('k', read('k'), undefined, 0);
    expect(flights.get('k')).toBe(flight);
    const joined = flights.join(flight, undefined);
    flights.end(flight, value(1));
    expect(flights.get('k')).toBeUndefined();
    expect(await joined).toMatchObject({ kind: 'value' });
  });

  it('leaves the next flight alone when one that was abandoned ends', () => {
    const { flights } = process();
    const first = flights.begin('k', read('k'), undefined, 0);
    flights.end(first, { kind: 'abandoned' });
    const second = flights.begin('k', read('k'), undefined, 0);
    flights.end(first, value(1));
    expect(flights.get('k')).toBe(second);
  });

  it('tells the flights of a key that it was invalidated, also one that was abandoned and still loads', () => {
    const { flights } = process();
    const abandoned = flights.begin('k', read('k'), undefined, 0);
    flights.abandon(abandoned);
    const current = flights.begin('k', read('k'), undefined, 0);
    const other = flights.begin('other', read('other'), undefined, 0);
    flights.poison('k');
    expect([abandoned, current, other].map(({ isPoisoned }) => isPoisoned)).toEqual([true, true, false]);
  });

  it('forgets an abandoned flight when its load ends, and keeps none that it was never asked for', () => {
    const { flights } = process();
    const abandoned = flights.begin('k', read('k'), undefined, 0);
    flights.abandon(abandoned);
    expect(flights.size).toBe(1);
    flights.end(abandoned, value(1));
    flights.abandon(new Flight('', read(''), undefined, 0));
    expect(flights.size).toBe(0);
  });

  it('sees that a load asks for the key it loads', () => {
    const { flights, owner, run } = process();
    const flight = flights.begin('k', read('k'), owner(), 0);
    run(flight, () => {
      expect(owner()!.isLoadOf(region, read('k').key)).toBe(true);
      expect(owner()!.isLoadOf(region, read('other').key)).toBe(false);
      expect(owner()!.isLoadOf({} as typeof region, read('k').key)).toBe(false);
    });
    expect(owner()).toBeUndefined();
  });

  it('sees two loads that would wait for each other, through any number of flights', async () => {
    const { flights } = process();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => flights.begin(name, read(name), undefined, 0)) as [
      Flight,
      Flight,
      Flight,
    ];
    const aWaits = flights.join(b, a);
    const bWaits = flights.join(c, b);
    expect(c.isLoadOf(region, read('a').key)).toBe(true);
    flights.end(c, value(1));
    await bWaits;
    expect(c.isLoadOf(region, read('a').key)).toBe(false);
    flights.end(b, value(1));
    await aWaits;
  });

  it('counts a flight that a load begins as waited for until it ends', () => {
    const { flights, owner, run } = process();
    const outer = flights.begin('outer', read('outer'), undefined, 0);
    const inner = run(outer, () => flights.begin('inner', read('inner'), owner(), 0));
    run(inner, () => expect(owner()!.isLoadOf(region, read('outer').key)).toBe(true));
    flights.end(inner, value(1));
    expect(inner.isLoadOf(region, read('outer').key)).toBe(false);
  });

  it('knows the load beyond its first await once one with waiting callers was abandoned', async () => {
    const { flights, owner, run } = process();
    const first = flights.begin('k', read('k'), undefined, 0);
    const joined = flights.join(first, undefined);
    flights.abandon(first);
    expect(await joined).toEqual({ kind: 'abandoned' });
    const second = flights.begin('k', read('k'), undefined, 0);
    await run(second, async () => {
      await Promise.resolve();
      expect(owner()).toBe(second);
    });
  });

  it('looks at each flight once, however many ways lead to it', async () => {
    const { flights } = process();
    let layer = [flights.begin('top', read('top'), undefined, 0)];
    const joins: Promise<Outcome>[] = [];
    for (let depth = 0; depth < 40; depth++) {
      const next = [0, 1].map((n) => flights.begin(`${depth}.${n}`, read(`${depth}.${n}`), undefined, 0));
      for (const above of layer) for (const below of next) joins.push(flights.join(below, above));
      layer = next;
    }
    for (const one of layer) expect(one.isLoadOf(region, read('target').key)).toBe(false);
    for (let depth = 0; depth < 40; depth++)
      for (const n of [0, 1]) flights.end(flights.get(`${depth}.${n}`)!, value(1));
    await Promise.all(joins);
  });

  it('looks through loads that are nested deeper than the stack', () => {
    const { flights } = process();
    const outermost = flights.begin('0', read('0'), undefined, 0);
    let innermost = outermost;
    for (let depth = 1; depth < 50_000; depth++) {
      innermost = flights.begin(`${depth}`, read(`${depth}`), innermost, 0);
    }
    expect(innermost.isLoadOf(region, read('0').key)).toBe(true);
    expect(innermost.isLoadOf(region, read('none').key)).toBe(false);
  });

  it('knows the load beyond its first await from the start where that was asked for', async () => {
    const { flights, scopes, owner, run } = process();
    scopes.track();
    const flight = flights.begin('k', read('k'), undefined, 0);
    await run(flight, async () => {
      await Promise.resolve();
      expect(owner()).toBe(flight);
    });
  });
});
