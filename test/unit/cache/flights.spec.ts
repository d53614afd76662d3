import { describe, expect, it } from '@jest/globals';
import { Flights, type Outcome } from '../../../lib/cache/flights.js';
import { gate } from '../../support/fake-clock.js';

const shape = {};
const value = (v: unknown): Outcome => ({ kind: 'value', at: 1, source: 'load', take: () => v });

describe('Flights', () => {
  it('has one flight per name until it ends', async () => {
    const flights = new Flights();
    const flight = flights.begin('k', shape);
    expect(flights.get('k')).toBe(flight);
    const joined = flights.join(flight);
    flights.end(flight, value(1));
    expect(flights.get('k')).toBeUndefined();
    expect(await joined).toMatchObject({ kind: 'value' });
  });

  it('leaves the next flight alone when one that was abandoned ends', () => {
    const flights = new Flights();
    const first = flights.begin('k', shape);
    flights.end(first, { kind: 'abandoned' });
    const second = flights.begin('k', shape);
    flights.end(first, value(1));
    expect(flights.get('k')).toBe(second);
  });

  it('sees that a load asks for the key it loads', () => {
    const flights = new Flights();
    const flight = flights.begin('k', shape);
    expect(flights.mustNotJoin(flight)).toBe(false);
    flights.run(flight, () => expect(flights.mustNotJoin(flight)).toBe(true));
  });

  it('sees two loads that would wait for each other, through any number of flights', async () => {
    const flights = new Flights();
    const a = flights.begin('a', shape);
    const b = flights.begin('b', shape);
    const c = flights.begin('c', shape);
    const aWaits = flights.run(a, () => flights.join(b));
    const bWaits = flights.run(b, () => flights.join(c));
    flights.run(c, () => expect(flights.mustNotJoin(a)).toBe(true));
    flights.end(c, value(1));
    await bWaits;
    flights.run(c, () => expect(flights.mustNotJoin(a)).toBe(false));
    flights.end(b, value(1));
    await aWaits;
  });

  it('counts a flight that a load begins as waited for until it ends', async () => {
    const flights = new Flights();
    const outer = flights.begin('outer', shape);
    const inner = flights.run(outer, () => flights.begin('inner', shape));
    const held = gate();
    const innerLoad = flights.run(inner, async () => {
      await held.promise;
      return flights.mustNotJoin(outer);
    });
    held.open();
    expect(await innerLoad).toBe(true);
    flights.end(inner, value(1));
    expect(outer.waitsFor.size).toBe(0);
  });
});
