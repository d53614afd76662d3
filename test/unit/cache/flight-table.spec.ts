import { describe, expect, it } from '@jest/globals';
import type { EntryCall } from '../../../lib/cache/entry-call.js';
import { Flight } from '../../../lib/cache/flight.js';
import { FlightTable } from '../../../lib/cache/flight-table.js';

const aFlight = (name: string) => new Flight(name, {} as EntryCall, undefined, 0);

/** Two of which one leads to the other, in a table that has not grown. */
function inOnePlace(): [Flight, Flight] {
  const byPlace = new Map<number, Flight>();
  for (let n = 0; ; n++) {
    const flight = aFlight(`k${n}`);
    new FlightTable().add(flight);
    const place = flight.hash & 63;
    const other = byPlace.get(place);
    if (other !== undefined) return [other, flight];
    byPlace.set(place, flight);
  }
}

describe('FlightTable', () => {
  it('finds each of many by its name, and none that has left', () => {
    const table = new FlightTable();
    // more than it has places for, of which some share one
    const flights = Array.from({ length: 1_000 }, (_, n) => aFlight(`user:profile:${n}:json`));
    for (const flight of flights) table.add(flight);
    expect(flights.every((flight) => table.get(flight.name) === flight)).toBe(true);

    const [left, stay] = [flights.filter((_, n) => n % 3 !== 0), flights.filter((_, n) => n % 3 === 0)];
    expect(left.every((flight) => table.delete(flight))).toBe(true);
    expect(left.some((flight) => table.get(flight.name) !== undefined)).toBe(false);
    expect(stay.every((flight) => table.get(flight.name) === flight)).toBe(true);
    expect(table.size).toBe(stay.length);
  });

  it('tells names apart that have a place in common', () => {
    const table = new FlightTable();
    const [one, other] = inOnePlace();
    table.add(one);
    table.add(other);
    expect([table.get(one.name), table.get(other.name), table.get('none')]).toEqual([one, other, undefined]);
    table.delete(one);
    expect([table.get(one.name), table.get(other.name)]).toEqual([undefined, other]);
  });

  it('tells names apart that have the same hash', () => {
    const byHash = new Map<number, Flight>();
    const table = new FlightTable();
    let [flight, other]: [Flight, Flight | undefined] = [aFlight('k'), undefined];
    for (let n = 0; other === undefined; n++) {
      flight = aFlight(`k${n}`);
      new FlightTable().add(flight);
      other = byHash.get(flight.hash);
      byHash.set(flight.hash, flight);
    }
    table.add(other);
    expect(table.get(flight.name)).toBeUndefined();
    table.add(flight);
    expect([table.get(flight.name), table.get(other.name)]).toEqual([flight, other]);
  });

  it('has places of their own for long names that differ in one character, wherever that stands', () => {
    for (const [before, after] of [
      ['x'.repeat(300), ''],
      ['', 'x'.repeat(300)],
    ] as const) {
      const table = new FlightTable();
      const flights = Array.from({ length: 60 }, (_, n) => aFlight(`${before}${String.fromCharCode(48 + n)}${after}`));
      for (const flight of flights) table.add(flight);
      expect(new Set(flights.map(({ hash }) => hash)).size).toBe(flights.length);
    }
  });

  it('says of a flight that it is not in it', () => {
    const table = new FlightTable();
    const flight = aFlight('k');
    table.add(aFlight('k'));
    expect(table.delete(flight)).toBe(false);
    table.add(flight);
    expect([table.delete(flight), table.delete(flight), table.size]).toEqual([true, false, 1]);
  });

  it('keeps no flight that has left through one that stands', () => {
    const table = new FlightTable();
    const [first, second] = inOnePlace();
    table.add(first);
    table.add(second);
    table.delete(second);
    expect(second.next).toBeNull();
  });
});
